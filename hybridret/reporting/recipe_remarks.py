"""A note on recipes that differ among the rows of a table: a comparison at two learning rates says so."""

from __future__ import annotations

import pandas as pd

from hybridret.reporting.collect import Sweep
from hybridret.reporting.select import select

_ORIGINS = (["strategy"], ["backbone"], ["size"], ["strategy", "backbone"], ["backbone", "size"], ["strategy", "size"])


def recipe_difference(sweep: Sweep, dataset: str) -> str:
    """`optim.lr: 5e-05 (hybrid), 0.0001 (mono)`, for all keys in which the recipes of the runs that were evaluated on
    `dataset` differ; "" where they are equal."""
    evaluated = select(sweep.metrics, dataset=dataset)["run"]
    own = sweep.runs[sweep.runs["trained"] & sweep.runs["run"].isin(evaluated)]
    texts = []
    for key, values in sweep.recipes.items():
        rows = own.assign(value=own["run"].map(values)).dropna(subset=["value"])
        if rows["value"].nunique() > 1:
            texts.append(f"{key}: {_words(rows)}")
    return "; ".join(texts)


def _words(rows: pd.DataFrame) -> str:
    """Each value with the strategies or sizes that it follows from, else with its configurations."""
    origin = next((one for one in _ORIGINS if rows.groupby(one, dropna=False)["value"].nunique().max() == 1), None)
    names = rows["configuration"] if origin is None else rows[origin].astype(str).agg(" ".join, axis=1)
    values = sorted(rows["value"].unique(), key=_order)
    return ", ".join(f"{value} ({', '.join(names[rows['value'] == value].drop_duplicates())})" for value in values)


def _order(value: str) -> tuple[bool, float, str]:
    try:
        return False, float(value), value
    except ValueError:
        return True, 0.0, value
