"""One system's foreign results, in the form that evidence is made of."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd


@dataclass(frozen=True)
class ForeignRun:
    """run: its name, once among all. configuration, seed: runs of one configuration differ in their seed alone.
    values: rows with `query_id` (absent where units are languages) and the columns of `question_values`.
    averages: rows as in a `metrics.csv`, `macro` ones included. remarks: what a reader of the numbers must know."""

    run: str
    configuration: str
    seed: str
    values: pd.DataFrame
    averages: pd.DataFrame
    remarks: tuple[str, ...] = ()
