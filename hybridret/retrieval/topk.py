"""The running k best passages of every query over tiles of scores, for streamed exact search of a corpus of any size
(docs/pitfalls.md#top-k-lists).

A candidate is one integer that contains its score and its tie position (`metrics.ranks.sort_keys`). So candidates are
never equal, and the smallest k keys are the result, also with ties at the boundary. Only scores that reach the k-th
best so far of their query become candidates: about k * log2(P / k) of P passages in random order.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from hybridret.base.errors import UserError
from hybridret.base.records import BoolArray, FloatArray, IntArray
from hybridret.metrics.ranks import sort_keys, tie_positions

if TYPE_CHECKING:
    from torch import Tensor

WORST = np.iinfo(np.int64).max  # fills the columns after the last candidate; keys of finite scores are smaller
_ALL_LOWER = np.uint64(0x0101010101010101)  # eight comparisons that are all true


def key_scores(keys: IntArray) -> FloatArray:
    """The fp32 scores packed into keys of `sort_keys`, in any shape; -0.0 becomes 0.0."""
    ascending = np.invert((keys >> 32).astype(np.int32))
    scores: FloatArray = (ascending ^ ((ascending >> 31) & np.int32(0x7FFFFFFF))).view(np.float32)
    return scores


def merge_keys(parts: Sequence[IntArray], k: int) -> IntArray:
    """[q, k] the smallest keys, ascending, of several [q, *] that together have at least k columns."""
    keys = np.concatenate(parts, axis=1)
    if keys.shape[1] > k:
        keys = np.partition(keys, k - 1, axis=1)[:, :k]
    keys.sort(axis=1)
    return keys


def dense_ties(tie_order: IntArray) -> tuple[IntArray, IntArray]:
    """`tie_order` [P] as a permutation of 0..P-1 in the same order, and its inverse: the column of each position.

    Raises UserError if two passages have the same position.
    """
    count = len(tie_order)
    small = np.dtype(np.int32 if count < 2**31 else np.int64)  # as large as the corpus
    columns: Any = np.full(count, -1, dtype=small)
    if count and tie_order.min() >= 0 and tie_order.max() < count:
        columns[tie_order] = np.arange(count, dtype=small)
        if (columns >= 0).all():
            return tie_order, columns
    columns = np.argsort(tie_order, kind="stable")
    if (tie_order[columns[1:]] == tie_order[columns[:-1]]).any():
        raise UserError("The tie order of the passages holds a position twice; it must be a part of a permutation.")
    dense = np.empty(count, dtype=np.int64)
    dense[columns] = np.arange(count)
    return dense, columns


def survivors(scores: Tensor, thresholds: FloatArray, width: int, lower: BoolArray) -> tuple[IntArray, FloatArray]:
    """The scores of `scores` [r, W] that are not below `thresholds` [r, 1]: flat positions, ascending, and values.

    NaN is not below any number and so survives. Only the first `width` columns count; the rest is padding. On a CPU
    eight comparisons are read as one word, because nearly all words have no survivor; W must be a multiple of 8.
    `lower`, at least [r, W], is a buffer: new memory for each tile would take as long as the comparisons.
    """
    if scores.device.type != "cpu":
        import torch

        kept = ~(scores < torch.from_numpy(thresholds).to(scores.device))
        kept[:, width:] = False
        found = kept.view(-1).nonzero().view(-1)
        return found.cpu().numpy(), scores.reshape(-1)[found].cpu().numpy()
    values = scores.numpy()
    lower = np.less(values, thresholds, out=lower[: len(values)])
    if width < values.shape[1]:
        lower[:, width:] = True
    words = lower.view(np.uint64).reshape(-1)
    hits = np.flatnonzero(words != _ALL_LOWER)
    inside = np.flatnonzero(np.logical_not(words[hits].view(np.bool_)))
    flat: IntArray = (hits * 8)[inside >> 3] + (inside & 7)
    return flat, values.reshape(-1)[flat]


class TopK:
    """The best `k` so far of q queries; a call of `add` adds at most `widest` candidates of a query.

    Memory: q * (3/2 k + widest) keys of 8 bytes. When a query has more than 3/2 k candidates, only the best k are kept,
    and the score of the k-th becomes its threshold.
    """

    def __init__(self, queries: int, k: int, widest: int) -> None:
        self._k = k
        self._limit = k + (k + 1) // 2
        self._keys = np.full((queries, self._limit + widest), WORST, dtype=np.int64)
        self._filled = np.zeros(queries, dtype=np.int64)
        self._starts = np.arange(queries, dtype=np.int64) * self._keys.shape[1]
        self._bounds = np.full(queries, WORST, dtype=np.int64)
        self.thresholds = np.full((queries, 1), -np.inf, dtype=np.float32)  # lower scores cannot be among the best k

    def add(self, flat: IntArray, values: FloatArray, width: int, ties: IntArray) -> None:
        """Add candidates at ascending positions `flat` in a tile [q, `width`], with finite scores `values`.

        `ties` are the dense tie positions of the tile's columns (those of padding may be missing).
        """
        if not len(flat):
            return
        rows = flat // width
        keys = sort_keys(values, ties[flat - rows * width])
        if len(flat) > len(self._filled) * width // 4:  # many equal scores: most are excluded by their tie position
            kept = keys <= self._bounds[rows]
            keys, rows = keys[kept], rows[kept]
        counts = np.bincount(rows, minlength=len(self._filled))
        offsets = self._starts + self._filled
        offsets[1:] -= np.cumsum(counts)[:-1]
        self._keys.reshape(-1)[np.arange(len(keys)) + np.repeat(offsets, counts)] = keys
        self._filled += counts
        full = np.flatnonzero(self._filled > self._limit)
        if len(full):
            self._compact(full)

    def _compact(self, rows: IntArray) -> None:
        used = int(self._filled[rows].max())
        best = np.partition(self._keys[rows, :used], self._k - 1, axis=1)[:, : self._k]
        self._keys[rows, : self._k] = best
        self._keys[rows, self._k : used] = WORST
        self._filled[rows] = self._k
        self._bounds[rows] = best[:, -1]
        self.thresholds[rows, 0] = key_scores(best[:, -1])

    def best(self) -> IntArray:
        """[q, k] keys, ascending; `WORST` after the last candidate."""
        return merge_keys([self._keys], self._k)


def unpack(keys: IntArray, columns: IntArray) -> tuple[IntArray, FloatArray]:
    """Columns and scores of keys [q, k]; `columns` is the inverse of the tie order, as `dense_ties` returns it."""
    return columns[tie_positions(keys)].astype(np.int64), key_scores(keys)
