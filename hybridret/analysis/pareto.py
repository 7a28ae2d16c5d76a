"""The Pareto front: the candidates for which no other is better in one goal and at least as good in the others."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

_COMPARISONS = 2**22  # pairs of candidates in memory at once


def pareto_front(candidates: NDArray[np.float64], maximise: Sequence[bool] | None = None) -> NDArray[np.bool_]:
    """Which of `candidates` [..., n, goals] are on the front of their n: bool [..., n]. `maximise` is by default true
    for every goal. Equal candidates are all on it or all off; one with a NaN never is.

    Two goals need one sort and one running maximum, O(n log n); more of them compare all pairs. Raises ValueError
    unless there is a last axis of goals, with a direction for each.
    """
    candidates = np.asarray(candidates, dtype=np.float64)
    if candidates.ndim < 2 or not candidates.shape[-1] or len(maximise or ()) not in (0, candidates.shape[-1]):
        raise ValueError(
            f"candidates must be [..., n, goals] with a direction for each goal, got {candidates.shape} and "
            f"{'no' if maximise is None else len(maximise)} directions"
        )
    goals = candidates * np.where(np.asarray(maximise, dtype=bool), 1.0, -1.0) if maximise else candidates
    usable: NDArray[np.bool_] = np.logical_not(np.isnan(goals).any(axis=-1))
    if not usable.any():
        return usable
    goals = np.where(usable[..., None], goals, -np.inf)
    found: NDArray[np.bool_] = usable & (_two(goals) if goals.shape[-1] == 2 else _many(goals))
    return found


def _two(goals: NDArray[np.float64]) -> NDArray[np.bool_]:
    first, second = goals[..., 0], goals[..., 1]
    order = np.lexsort((-second, -first), axis=-1)  # by the first goal, best first; ties by the second goal
    first, second = np.take_along_axis(first, order, -1), np.take_along_axis(second, order, -1)
    best = np.maximum.accumulate(second, axis=-1)
    new = np.concatenate([np.ones_like(first[..., :1], dtype=bool), first[..., 1:] != first[..., :-1]], axis=-1)
    start = np.maximum.accumulate(np.where(new, np.arange(first.shape[-1]), 0), axis=-1)
    # The best second goal among those whose first goal is strictly better.
    before = np.take_along_axis(best, np.maximum(start - 1, 0), -1)
    front = (second == np.take_along_axis(second, start, -1)) & ((second > before) | (start == 0))
    found = np.empty(front.shape, dtype=bool)
    np.put_along_axis(found, order, front, -1)
    return found


def _many(goals: NDArray[np.float64]) -> NDArray[np.bool_]:
    count = goals.shape[-2]
    flat = goals.reshape(-1, count, goals.shape[-1])
    found = np.empty(flat.shape[:2], dtype=bool)
    step = max(1, _COMPARISONS // (count * count))
    for i in range(0, len(flat), step):
        part = np.moveaxis(flat[i : i + step], -1, 0)
        as_good = np.ones((part.shape[1], count, count), dtype=bool)  # [draw, other, one]
        better = np.zeros_like(as_good)
        for goal in part:
            as_good &= goal[:, :, None] >= goal[:, None, :]
            better |= goal[:, :, None] > goal[:, None, :]
        found[i : i + step] = ~(as_good & better).any(axis=1)
    shaped: NDArray[np.bool_] = found.reshape(goals.shape[:-1])
    return shaped
