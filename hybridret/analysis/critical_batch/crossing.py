"""Steps until a curve of loss reaches a target: interpolation of a smoothed, falling curve.

Measurements are noisy, so the first one below the target is below it by luck too often. The curve is therefore made
falling first, by isotonic regression (least squares over all falling curves), and the crossing is interpolated on it,
linearly in the logarithm of the step.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import isotonic_regression

REACHED, NOT_REACHED, BEFORE = "reached", "not reached", "before the first measurement"


@dataclass(frozen=True)
class Crossing:
    """`state`: reached; not reached up to the last measurement (censored: more than `steps`); or before the first
    measurement (less than `steps`). `steps` is then the step of that measurement."""

    steps: float
    state: str


def falling(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """The falling curve [n] that is nearest to `values` [n] in least squares."""
    found: NDArray[np.float64] = isotonic_regression(np.asarray(values, dtype=np.float64), increasing=False).x
    return found


def crossing(steps: NDArray[np.float64], values: NDArray[np.float64], target: float) -> Crossing:
    """Where the falling curve through `values` [n] at `steps` [n] (rising, above 0) reaches `target`.

    NaN values are left out. Raises ValueError where nothing is left, steps do not rise, or the first is not above 0.
    """
    steps, values = np.asarray(steps, dtype=np.float64), np.asarray(values, dtype=np.float64)
    there = ~np.isnan(values)
    steps, values = steps[there], values[there]
    if not len(steps) or steps[0] <= 0 or (np.diff(steps) <= 0).any():
        raise ValueError("a curve needs a value, and steps that rise from above 0")
    curve = falling(values)
    below = np.flatnonzero(curve <= target)
    if not len(below):
        return Crossing(float(steps[-1]), NOT_REACHED)
    i = int(below[0])
    if i == 0:
        return Crossing(float(steps[0]), REACHED if curve[0] == target else BEFORE)
    share = (curve[i - 1] - target) / (curve[i - 1] - curve[i])
    return Crossing(float(np.exp(np.log(steps[i - 1]) + share * np.log(steps[i] / steps[i - 1]))), REACHED)


def common_target(curves: list[NDArray[np.float64]], share: float = 0.9) -> float:
    """The lowest value that the falling curves of at least `share` of all runs reach. Raises ValueError without any."""
    lowest = sorted(float(falling(one[~np.isnan(one)])[-1]) for one in curves)
    if not lowest:
        raise ValueError("no curves")
    return lowest[int(np.ceil(share * len(lowest))) - 1]
