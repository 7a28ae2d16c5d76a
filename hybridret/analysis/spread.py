"""Mean and spread over repetitions (seeds) of a measurement.

The spread is the sample standard deviation (ddof = 1): with one repetition it is unknown, not zero.
"""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd


def mean_and_spread(frame: pd.DataFrame, by: Sequence[str], value: str = "value") -> pd.DataFrame:
    """Group `frame` by the columns `by` (missing values form groups of their own) and reduce the column `value`.

    Returns one row per group in order of first appearance: the columns `by` plus `mean`, `std` (NaN where n = 1) and
    `n`, the number of values that are not NaN. Groups without any value are dropped.
    """
    grouped = frame.groupby(list(by), sort=False, dropna=False)[value]
    reduced = grouped.agg(["mean", "std", "count"]).rename(columns={"count": "n"}).reset_index()
    return reduced[reduced["n"] > 0].reset_index(drop=True)
