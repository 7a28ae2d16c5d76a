"""Mantel and Haenszel's odds ratio over strata, with an interval for clusters that lie across the strata.

Within a stratum each cell is a trial: an event or none, inside a group or outside. Questions are asked in many pairs,
so cells of a row belong together, and the usual variance (Robins, Breslow and Greenland) would be far too small. The
interval is the infinitesimal jackknife over rows: log of the ratio, differentiated by the weight of each row.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Marks = NDArray[np.bool_]
NORMAL = 1.959963984540054  # 97.5% of the normal distribution


@dataclass(frozen=True)
class OddsRatio:
    """ratio: 1 where the group makes no difference; 0, infinity or NaN where a cell of the table is empty, and then
    without an interval (NaN). low, high: 95%. error: the standard error of its logarithm."""

    ratio: float
    low: float
    high: float
    error: float


def odds_ratio(event: Marks, trial: Marks, member: Marks) -> OddsRatio:
    """`event`, `trial`, `member`: bool [rows, strata]; rows are the independent units, and only trials count."""
    inside, outside = trial & member, trial & ~member
    cells = [side & hit for side in (inside, outside) for hit in (event, ~event)]
    a, b, c, d = (one.sum(axis=0).astype(np.float64) for one in cells)  # event and none inside, event and none outside
    total = np.maximum(a + b + c + d, 1.0)
    above, below = float((a * d / total).sum()), float((b * c / total).sum())
    if above <= 0 or below <= 0:
        ratio = np.nan if above <= 0 and below <= 0 else np.inf if below <= 0 else 0.0
        return OddsRatio(float(ratio), np.nan, np.nan, np.nan)
    up, down = a * d / total**2, b * c / total**2
    # d(log above - log below) for one more of each cell, by stratum.
    slopes = (
        (d / total - up) / above + down / below,
        -up / above - (c / total - down) / below,
        -up / above - (b / total - down) / below,
        (a / total - up) / above + down / below,
    )
    influence = sum(one.astype(np.float64) @ slope for one, slope in zip(cells, slopes, strict=True))
    rows = int(trial.any(axis=1).sum())
    error = float(np.sqrt((np.asarray(influence) ** 2).sum() * rows / max(rows - 1, 1)))
    log = float(np.log(above / below))
    return OddsRatio(
        float(np.exp(log)), float(np.exp(log - NORMAL * error)), float(np.exp(log + NORMAL * error)), error
    )
