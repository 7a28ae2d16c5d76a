"""The Pareto front: the candidates for which no other is better in one goal and at least as good in the other."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray


def pareto_front(candidates: NDArray[np.float64], maximise: Sequence[bool] = (True, True)) -> NDArray[np.bool_]:
    """Which of `candidates` [n, 2] are on the front: bool [n]. Equal candidates are all on it or all off; NaN never is.

    One sort and one running maximum: O(n log n). Raises ValueError unless the shape is [n, 2].
    """
    candidates = np.asarray(candidates, dtype=np.float64)
    if candidates.ndim != 2 or candidates.shape[1] != 2 or len(maximise) != 2:
        raise ValueError(
            f"candidates must be [n, 2] with two directions, got {candidates.shape} and {len(maximise)} directions"
        )
    goals = candidates * np.where(np.asarray(maximise, dtype=bool), 1.0, -1.0)
    usable = np.flatnonzero(~np.isnan(goals).any(axis=1))
    front = np.zeros(len(candidates), dtype=bool)
    if not len(usable):
        return front
    first, second = goals[usable].T
    order = np.lexsort((-second, -first))  # by the first goal, best first; ties by the second goal
    first, second = first[order], second[order]
    # The best second goal among those whose first goal is strictly better.
    before = np.concatenate(([-np.inf], np.maximum.accumulate(second)[:-1]))
    group = np.concatenate(([True], first[1:] != first[:-1]))
    starts = np.flatnonzero(group)[np.cumsum(group) - 1]
    front[usable[order]] = (second == second[starts]) & (second > before[starts])
    return front
