"""Readers for the files of one run directory that are no plain JSON. Each error names the file and the line."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from hybridret.base.errors import UserError
from hybridret.runs import RunDirectory
from hybridret.runs.sums import check_sum

METRIC_COLUMNS = ["dataset", "setting", "query_language", "corpus_language", "metric", "cutoff", "value", "num_queries"]
TOKEN_SHARES = ("query_truncated", "passage_truncated", "query_unknown", "passage_unknown")


def metric_rows(file: Path) -> pd.DataFrame:
    """Read a metrics.csv: the eight columns of the contract, cutoff 0 where it has none. Rows without a value go, and
    so do multilingual rows of a dataset in one language, which older runs have: they repeat its monolingual ones."""
    check_sum(file)
    try:
        # Language codes such as "nan" (Min Nan) and "na" are no missing values.
        frame = pd.read_csv(file, keep_default_na=False, na_values={"value": [""], "cutoff": [""]})
    except FileNotFoundError:
        raise UserError(f"{file} is missing although the run is finished; evaluate the run again.") from None
    except (ValueError, UnicodeDecodeError) as error:  # pandas' ParserError is a ValueError
        raise UserError(f"{file}: not a readable CSV ({error}).") from error
    for column in METRIC_COLUMNS:
        if column not in frame.columns:
            raise UserError(f"{file}, line 1: the column {column!r} is missing; evaluate the run again.")
    value = pd.to_numeric(frame["value"], errors="coerce")
    wrong = value.isna() & frame["value"].notna()
    if wrong.any():
        row = int(wrong.to_numpy().argmax())
        raise UserError(f"{file}, line {row + 2}: the value {frame['value'].iloc[row]!r} is no number.")
    cutoff = pd.to_numeric(frame["cutoff"], errors="coerce").fillna(0).astype(int)
    rows = frame[METRIC_COLUMNS].assign(value=value, cutoff=cutoff).dropna(subset=["value"])
    return rows[~_repeated(rows)].reset_index(drop=True)


def _repeated(rows: pd.DataFrame) -> pd.Series[bool]:
    """The multilingual rows of datasets whose own values are those of one monolingual corpus."""
    repeated = pd.Series(False, index=rows.index)
    for _, own in rows.groupby("dataset"):
        found = {name: part.set_index(["metric", "cutoff"])["value"] for name, part in own.groupby("setting")}
        if own["query_language"].nunique() == 2 and {*found} == {"monolingual", "multilingual"}:  # the other is macro
            mono, pooled = (found[name].groupby(level=[0, 1]).first() for name in ("monolingual", "multilingual"))
            if mono.equals(pooled.reindex(mono.index)):
                repeated |= (rows["dataset"] == own["dataset"].iloc[0]) & (rows["setting"] == "multilingual")
    return repeated


def history_rows(folder: Path) -> list[dict[str, Any]]:
    """The training curve of the run directory `folder`, sorted by split and step; [] where there is none.

    Steps that were trained again after a resume stand twice: the later row counts.
    """
    run = RunDirectory(folder)
    rows: dict[tuple[str, int], dict[str, Any]] = {}
    for number, row in enumerate(run.read_history(), 1):
        if not isinstance(row, dict) or not {"split", "step"} <= row.keys():
            raise UserError(f"{run.history}, line {number}: not a row of a training curve, it lacks 'split' or 'step'.")
        rows[str(row["split"]), int(row["step"])] = row
    return [rows[key] for key in sorted(rows)]


def note_rows(result: Mapping[str, Any]) -> list[dict[str, str]]:
    """The notes of a result.json as rows dataset, key, text; the dataset is "" for notes of the run as a whole."""
    rows = []
    for name, texts in (result.get("notes") or {}).items():
        notes = [(name, *one) for one in texts.items()] if isinstance(texts, Mapping) else [("", name, texts)]
        rows += [{"dataset": dataset, "key": str(key), "text": str(text)} for dataset, key, text in notes]
    return rows


def token_rows(result: Mapping[str, Any], evaluation: str) -> list[dict[str, Any]]:
    """The token shares of a result.json as rows evaluation, language and `TOKEN_SHARES`."""
    return [
        {"evaluation": evaluation, "language": str(language), **{key: shares.get(key) for key in TOKEN_SHARES}}
        for language, shares in (result.get("tokens") or {}).items()
    ]


def settings_of(file: Path) -> dict[str, Any]:
    """Read a config.yaml as flat dotted keys; {} where there is none.

    >>> flatten({"optim": {"lr": 0.1}})
    {'optim.lr': 0.1}
    """
    import yaml

    if not file.is_file():
        return {}
    check_sum(file)
    try:
        config = yaml.safe_load(file.read_text(encoding="utf-8"))
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise UserError(f"{file}: not valid YAML ({' '.join(str(error).split())}).") from error
    return flatten(config) if isinstance(config, dict) else {}


def flatten(value: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Nested mappings as one with dotted keys."""
    flat: dict[str, Any] = {}
    for key, one in value.items():
        name = f"{prefix}{key}"
        if isinstance(one, Mapping):
            flat.update(flatten(one, f"{name}."))
        else:
            flat[name] = one
    return flat
