"""A configuration is everything that distinguishes runs except the seed: the row of every table."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from hybridret.reporting.evaluation_protocols import Protocol, evaluated
from hybridret.runs import ADDED_LATER, NOT_HASHED

IDENTITY = ["strategy", "alpha", "backbone", "size"]
# How and where a run was computed does not make it another configuration; evaluations are compared by `protocols`.
_PARENTS = [f"batching.{end}.{key}" for end in ("mono", "cross") for key in ("run", "config_hash", "weights")]
_NOT_IDENTITY = ("seed", "run", "eval", "evaluation", *_PARENTS, *NOT_HASHED)
_NAMES = {"bm25": "BM25"}
RATIO = "batching.ratio"  # of a merge
MARKED = ("backbone.stemmer", "backbone.stopwords", RATIO)
_ORDER = ("mono", "cross", "hybrid", "x_x", "en_en")


def with_configurations(
    runs: pd.DataFrame, settings: Mapping[str, Mapping[str, Any]], protocols: Mapping[str, Protocol]
) -> tuple[pd.DataFrame, tuple[str, ...]]:
    """Add the columns `configuration` (a short label), `family` (the label without the size) and what varies besides.

    `settings` are the flat configs by run. A key becomes a column only if it tells apart runs that are equal so far, so
    keys that follow from the strategy or the backbone stay out; what changes BM25's words, and the ratio of a merge
    (`MARKED`), stand in the label wherever they are set. `protocols` say how each run was evaluated: where that differs
    among runs that are otherwise equal, the column `evaluated` shows how. Returns the rows sorted by configuration and
    seed, and the names of the columns besides `IDENTITY`.
    """
    runs = runs.copy()
    extra: list[str] = []
    groups = runs.groupby(IDENTITY, dropna=False, sort=False).ngroup()
    keys = sorted({key for one in settings.values() for key in one})
    for key in (key for key in keys if not {key, key.split(".")[0]} & set(_NOT_IDENTITY)):
        column = runs["run"].map(lambda run, key=key: _shown(key, settings.get(run, {}).get(key)))
        finer = pd.DataFrame({"group": groups, "value": column}).groupby(["group", "value"], sort=False).ngroup()
        # An untrained model has no training settings: a key that only splits untrained runs means nothing, unless it is
        # one of the backbone itself. Texts have marks of their own.
        own = key.startswith("backbone.") and not key.startswith("backbone.text.")
        split = pd.Series(True, index=runs.index) if own else runs["trained"]
        if finer[split].nunique() > groups[split].nunique() or (key in MARKED and column.any()):
            runs[key], groups = column, finer
            extra.append(key)
    labels = _labels(runs, extra)
    how = evaluated(dict(zip(runs["run"], labels, strict=True)), protocols)
    if any(how.values()):
        runs["evaluated"] = runs["run"].map(how)
    for name, found in (("configuration", labels), ("family", _labels(runs, extra, with_size=False))):
        runs[name] = [", ".join(filter(None, (one, how[run]))) for one, run in zip(found, runs["run"], strict=True)]
    extra += ["evaluated"] if "evaluated" in runs else []
    runs["_rank"] = runs["strategy"].map(strategy_rank)
    order = ["_rank", "strategy", "backbone", "parameters_body", "size", "alpha", *extra, "seed", "run"]
    runs = runs.sort_values(order, kind="stable").drop(columns="_rank").reset_index(drop=True)
    return runs, tuple(extra)


def strategy_rank(strategy: str) -> int:
    """Position of a strategy in tables and legends: the paper's three first, unknown names behind them."""
    return _ORDER.index(strategy) if strategy in _ORDER else len(_ORDER)


def _labels(runs: pd.DataFrame, extra: list[str], with_size: bool = True) -> list[str]:
    backbones = runs.loc[runs["trained"], "backbone"].nunique() > 1
    # An untrained backbone that stands there in one size needs no size in its name.
    sizes = runs.groupby("trained")["size"].nunique() > 1
    untrained = runs[~runs["trained"]].groupby("backbone")["size"].nunique() > 1
    last = [key.rsplit(".", 1)[-1] for key in extra]
    names = [short if last.count(short) == 1 else key for key, short in zip(extra, last, strict=True)]
    labels = []
    for row in runs.to_dict("records"):
        trained = row["trained"]
        parts = [str(row["strategy"])]
        backbone = str(row["backbone"])
        if not pd.isna(row["alpha"]):
            parts[0] += f" α={row['alpha']:g}"
        if not trained:
            # What has no parameters cannot be trained.
            own = pd.isna(row["parameters_total"])
            parts = [_NAMES.get(backbone, backbone), *([] if own else parts)]
        elif backbones and backbone != row["strategy"]:
            parts.append(backbone)
        if with_size and row["size"] and (sizes[trained] if trained else untrained[backbone]):
            parts.insert(len(parts) if trained else 1, str(row["size"]))
        parts += [
            name if row[key] == "True" and key in MARKED else f"{name}={row[key]}"
            for key, name in zip(extra, names, strict=True)
            if row[key] and (trained or key.startswith("backbone."))
        ]
        labels.append(", ".join(parts))
    return labels


def _shown(key: str, value: Any) -> str:
    """The value of a key in words, "" where it is what runs did before there was such a key."""
    return "" if key in ADDED_LATER and value == ADDED_LATER[key] else _text(value)


def _text(value: Any) -> str:
    return "" if value is None else f"{value:g}" if isinstance(value, float) else str(value)
