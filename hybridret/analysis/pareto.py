"""The Pareto front: the points for which no other point is better in one goal and at least as good in the other."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray


def pareto_front(points: NDArray[np.float64], maximise: Sequence[bool] = (True, True)) -> NDArray[np.bool_]:
    """Which of `points` [n, 2] are on the front: bool [n]. Equal points are on it together; NaN points never are.

    One sort and one running maximum, so n log n. Raises ValueError unless the shape is [n, 2].
    """
    points = np.asarray(points, dtype=np.float64)
    if points.ndim != 2 or points.shape[1] != 2 or len(maximise) != 2:
        raise ValueError(
            f"points must be [n, 2] with two directions, got {points.shape} and {len(maximise)} directions"
        )
    goals = points * np.where(np.asarray(maximise, dtype=bool), 1.0, -1.0)
    usable = np.flatnonzero(~np.isnan(goals).any(axis=1))
    front = np.zeros(len(points), dtype=bool)
    if not len(usable):
        return front
    first, second = goals[usable].T
    order = np.lexsort((-second, -first))  # best first goal first, best second goal first among equals
    first, second = first[order], second[order]
    # The best second goal among points whose first goal is strictly better.
    before = np.concatenate(([-np.inf], np.maximum.accumulate(second)[:-1]))
    group = np.concatenate(([True], first[1:] != first[:-1]))
    starts = np.flatnonzero(group)[np.cumsum(group) - 1]
    front[usable[order]] = (second == second[starts]) & (second > before[starts])
    return front
