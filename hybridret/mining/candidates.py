"""Which hits of a search become hard negatives: window, margins, and the choice among what is left.

Shape legend: q questions, k hits of each, best first.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from hybridret.base.records import BoolArray, FloatArray, IntArray

Keys = NDArray[np.uint64]


def in_window(valid: BoolArray, first: int, last: int) -> BoolArray:
    """[q, k]: whether a hit of `valid` [q, k] is one of the `first`-th to `last`-th valid hits of its question,
    counted from 1.
    """
    position = np.cumsum(valid, axis=1)
    found: BoolArray = valid & (position >= first) & (position <= last)
    return found


def reached(valid: BoolArray, last: int) -> BoolArray:
    """[q, k]: whether a hit stands before or at the `last`-th valid hit of its question."""
    before: IntArray = np.cumsum(valid, axis=1) - valid
    return np.asarray(before < last)


def too_close(
    scores: FloatArray, positives: FloatArray, margin: float | None, relative_margin: float | None
) -> BoolArray:
    """Whether a score is above that of the positive minus `margin`, or above its share 1 - `relative_margin`.

    `positives` has the shape of `scores`, or one that numpy stretches to it. None: that rule does not count.
    """
    asked, best = scores.astype(np.float64), positives.astype(np.float64)
    close = np.zeros(np.broadcast_shapes(asked.shape, best.shape), dtype=bool)
    if margin is not None:
        close |= asked > best - margin
    if relative_margin is not None:
        close |= asked > (1 - relative_margin) * best
    return close


def chosen(kept: BoolArray, count: int, keys: Keys | None = None) -> IntArray:
    """[q, count]: positions of `count` hits of `kept` [q, k], best first, -1 where there are fewer.

    The best ones, or those with the lowest `keys` [q, k].
    """
    width = kept.shape[1]
    order = np.argsort(~kept, axis=1, kind="stable") if keys is None else np.lexsort((keys, ~kept), axis=1)
    found = np.full((len(kept), count), width, dtype=np.int64)
    part = order[:, :count]
    found[:, : part.shape[1]] = np.where(np.take_along_axis(kept, part, axis=1), part, width)
    found.sort(axis=1)
    return np.where(found == width, -1, found)


def mixed(*parts: Keys | int) -> Keys:
    """A hash in 64 bits of whole numbers, and of arrays that numpy stretches to one shape (SplitMix64)."""
    state = np.zeros(1, dtype=np.uint64)
    for part in parts:
        state = (state ^ np.asarray(part, dtype=np.uint64)) + np.uint64(0x9E3779B97F4A7C15)
        state = (state ^ (state >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        state = (state ^ (state >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        state = state ^ (state >> np.uint64(31))
    return state
