"""The values behind the figures and tables of a page as one JSON: runs, series of metrics over runs, training curves.

Compact: columns are lists, categories stand as indices, values as whole numbers with a count of decimal digits. Texts
are data: they are cleaned of control characters here, `<` is written as an escape, and the page sets them as text.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from markupsafe import Markup

from hybridret.base.markup import visible
from hybridret.metrics.registry import table_metrics
from hybridret.reporting.charts.alpha import alpha_groups
from hybridret.reporting.charts.curves import drawn_curves
from hybridret.reporting.charts.plot_style import plot_styles
from hybridret.reporting.charts.tradeoff import measures
from hybridret.reporting.collect import Sweep
from hybridret.reporting.select import MACRO, map_cutoffs

NUMBERS = 150_000  # values by language and curves that a page holds; averages and mAP by language are always there
NONE = "none"  # a run without alpha or size
_KEYS = ["dataset", "setting", "metric", "cutoff", "query_language", "corpus_language"]
_FILTERS = {
    "size": "Size",
    "backbone": "Backbone",
    "strategy": "Strategy",
    "alpha": "Alpha",
    "dataset": "Test set",
    "language": "Language",
    "seed": "Seed",
}


def page_values(sweeps: Sequence[Sweep]) -> Markup:
    """The JSON of all `sweeps`, safe inside of a script element.

    `dimensions`: what can be filtered, and its values; `measures`: names and titles of the metrics of figures, in the
    order of choice; `datasets`: names, and for each the cutoff of every measure; `sweeps`: see `_sweep`.
    """
    datasets = list(dict.fromkeys(name for sweep in sweeps for name in sweep.datasets))
    chosen = {name: [one for sweep in sweeps for one in measures(sweep, name)] for name in datasets}
    titles = {one.metric: one.title for found in reversed(chosen.values()) for one in reversed(found)}
    order = list(dict.fromkeys(one.metric for found in chosen.values() for one in found))
    return _script(
        {
            "dimensions": _dimensions(sweeps, datasets),
            "titles": _FILTERS,
            "measures": [[name, titles[name]] for name in order],
            "datasets": datasets,
            "cutoffs": {name: {one.metric: [one.cutoff, one.title] for one in found} for name, found in chosen.items()},
            "sweeps": [_sweep(sweep, datasets, NUMBERS // len(sweeps)) for sweep in sweeps],
        }
    )


def _script(value: Any) -> Markup:
    text = json.dumps(_visible(value), ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    return Markup(text.replace("<", "\\u003c"))


def _visible(value: Any) -> Any:
    """`value` with all its texts made `visible`."""
    if isinstance(value, str):
        return visible(value)
    if isinstance(value, list | tuple):
        return [_visible(one) for one in value]
    if isinstance(value, dict):
        return {visible(str(key)): _visible(one) for key, one in value.items()}
    return value


def facets(runs: pd.DataFrame) -> pd.DataFrame:
    """The texts by which runs are filtered: size, backbone, strategy, alpha, seed, indexed as `runs`."""
    found = pd.DataFrame({name: runs[name].map(str) for name in ("size", "backbone", "strategy", "seed")})
    found["size"] = found["size"].replace("", NONE)
    found["alpha"] = [NONE if pd.isna(one) else f"{one:g}" for one in runs["alpha"]]
    return found


def _dimensions(sweeps: Sequence[Sweep], datasets: list[str]) -> dict[str, list[str]]:
    runs = pd.concat([facets(sweep.runs) for sweep in sweeps], ignore_index=True)
    bodies = pd.concat([sweep.runs["parameters_body"] for sweep in sweeps], ignore_index=True)
    languages = {str(one) for sweep in sweeps for one in sweep.metrics["query_language"].unique()} - {MACRO}
    known = {name: list(dict.fromkeys(runs[name])) for name in runs}
    weight = bodies.fillna(-1.0).groupby(runs["size"]).min()
    known["size"].sort(key=lambda one: (one == NONE, weight[one], one))
    for name in ("alpha", "seed"):
        known[name].sort(key=_number)
    known |= {"dataset": datasets, "language": sorted(languages)}
    return {name: known[name] for name in _FILTERS}


def _number(text: str) -> tuple[bool, float, str]:
    try:
        return False, float(text), text
    except ValueError:
        return True, 0.0, text


def _sweep(sweep: Sweep, datasets: list[str], numbers: int) -> dict[str, Any]:
    """One sweep. `runs`: a list by column, those of `categories` as indices; `looks`: colour, mark and dash of each
    configuration; `series`: see `_series`; `curves`: see `_curves`; `alphas`: groups of runs that differ in alpha."""
    runs = sweep.runs.reset_index(drop=True)
    here = sweep.metrics.drop_duplicates(["run", "dataset"]).groupby("run")["dataset"].agg(list)
    columns: dict[str, Any] = {
        "run": runs["run"].tolist(),
        "datasets": [here.get(run, []) for run in runs["run"]],
        "trained": [int(one) for one in runs["trained"]],
        **{name: _whole(runs[f"parameters_{name}"]) for name in ("body", "total")},
    }
    categories: dict[str, list[str]] = {}
    texts = facets(runs).assign(configuration=runs["configuration"], family=runs["family"])
    for name in texts:
        codes, known = pd.factorize(texts[name])
        columns[str(name)], categories[str(name)] = codes.tolist(), [str(one) for one in known]
    styles = plot_styles(runs)
    looks = [[look.colour, look.mark, look.dash] for look in (styles[name] for name in categories["configuration"])]
    series = _series(sweep, datasets, numbers)
    used = sum(len(one[-1]) for one in series if one[4] != MACRO)
    at = {run: i for i, run in enumerate(runs["run"])}
    return {
        "name": sweep.name,
        "runs": columns,
        "categories": categories,
        "looks": looks,
        "series": series,
        "curves": _curves(sweep, at, max(numbers - used, numbers // 4)),
        "alphas": {
            name: [
                {"title": title, "runs": [at[run] for run in group["run"]], "alphas": group["alpha"].tolist()}
                for title, group in alpha_groups(sweep, name)
            ]
            for name in sweep.datasets
        },
    }


def _whole(values: pd.Series[float]) -> list[int | None]:
    return [None if pd.isna(value) else int(value) for value in values]


def _series(sweep: Sweep, datasets: list[str], numbers: int) -> list[list[Any]]:
    """[dataset, setting, metric, cutoff, query language, corpus language, digits, values]: a value of each run, times
    10 ** digits, None where it was not measured. By language there are mAP and rank distance, and further metrics as
    far as `numbers` reach."""
    rows = sweep.metrics[["run", *_KEYS, "value"]].drop_duplicates(["run", *_KEYS], keep="last")
    pairs = rows[["metric", "cutoff"]].drop_duplicates()
    wanted = [(metric, cutoff) for metric, cutoff in pairs.itertuples(index=False) if metric in _shown()]
    found: list[list[Any]] = []
    left = numbers
    firsts = {(name, map_cutoffs(sweep, name)[0]) for name in sweep.datasets}
    wide = rows.set_index([*_KEYS, "run"])["value"].unstack("run").reindex(columns=sweep.runs["run"])
    metric = wide.index.get_level_values("metric")
    cutoff = wide.index.get_level_values("cutoff")
    for name, cut in sorted(wanted, key=lambda one: (one[0] not in ("map", "rank_distance"), str(one[0]), one[1])):
        part = wide[(metric == name) & (cutoff == cut)]
        macros = part.index.get_level_values("query_language") == MACRO
        always = name == "rank_distance" or (name == "map" and any(cut == one for _, one in firsts))
        count = int((~macros).sum()) * part.shape[1]
        kept = part if always or count <= left else part[macros]
        left -= count if kept is part else 0
        for key, values in zip(kept.index, kept.to_numpy(dtype=float), strict=True):
            found.append([datasets.index(str(key[0])), *map(_plain, key[1:]), *_packed(values)])
    return found


def _shown() -> set[str]:
    """The metrics of tables and figures."""
    names = {"contrastive_entropy", *table_metrics("quality")}
    for metric in table_metrics("bias").values():
        names |= {metric.name, *(one.name for one in metric.summaries)}
    return names


def _plain(value: Any) -> Any:
    return int(value) if isinstance(value, int | np.integer) else str(value)


def _packed(values: np.ndarray[Any, np.dtype[np.float64]]) -> tuple[int, list[int | None]]:
    """Values [n] as whole numbers and their decimal digits: seven digits of the greatest, six of what is below 1."""
    finite = np.isfinite(values)
    top = float(np.abs(values[finite]).max()) if finite.any() else 0.0
    digits = max(0, 6 - max(0, int(np.floor(np.log10(top))) if top > 0 else 0))
    whole = np.rint(np.where(finite, values, 0.0) * 10**digits).astype(np.int64)
    return digits, [int(one) if ok else None for one, ok in zip(whole, finite, strict=True)]


def _curves(sweep: Sweep, at: dict[str, int], numbers: int) -> list[dict[str, Any]]:
    """Lines by step, thinned evenly so that all together have about `numbers` values; both ends stay."""
    curves = drawn_curves(sweep)
    count = sum(len(one.lines) for one in curves)
    length = int(np.clip(numbers // max(count, 1), 12, 200))
    found = []
    for one in curves:
        lines = []
        for run, steps, values in one.lines:
            kept = np.unique(np.linspace(0, len(steps) - 1, min(length, len(steps))).round().astype(int))
            lines.append([at[run], steps[kept].tolist(), *_packed(values[kept])])
        found.append({"name": one.name, "title": one.title, "unit": one.unit, "log": one.logarithmic, "lines": lines})
    return found
