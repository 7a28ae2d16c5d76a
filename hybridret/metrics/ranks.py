"""Full ranks: the exact position of each relevant passage in the ranking of the whole pool.

mAP over the pool and rank distance cannot come from a top-k list, so every measure here starts from full ranks. Equal
scores are ordered as trec_eval does, by passage id descending (`Collection.tie_order`, docs/pitfalls.md#ties); scores
are compared as fp32. A passage of score -inf is no hit: it has no rank (`NOT_FOUND`), whatever the size of the pool.

A score and its tie position are packed into one integer. One plain sort of these keys gives trec_eval's strict order,
and a binary search gives a rank; there are no ties to handle. `ranks_by_counting` is the definition, for the tests.

Shape legend: q queries of a tile, P passages of the pool, r relevance judgments, n queries with a judgment.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from hybridret.base.records import FloatArray, IntArray
from hybridret.metrics.hits import NOT_FOUND

Values = NDArray[np.float64]
NO_HIT = 0x7F800000 << 32  # the smallest key of score -inf: this key and all larger ones are no hits


def sort_keys(scores: FloatArray, tie_order: IntArray) -> IntArray:
    """[q, P] integers, all different within a row; the smaller the key, the better the passage.

    The upper 32 bits hold the score (fp32, finite, or -inf for no hit), the lower 32 the passage's `tie_order` [P],
    which must be a permutation of 0..P-1 or a part of one.
    """
    # Adding zero turns -0.0 into 0.0: the two are equal scores with different bits.
    bits = (np.ascontiguousarray(scores, dtype=np.float32) + np.float32(0)).view(np.int32)
    ascending = bits ^ ((bits >> 31) & np.int32(0x7FFFFFFF))  # IEEE 754 order as integer order
    keys: IntArray = np.invert(ascending).astype(np.int64)  # ~x = -x - 1: high scores first
    keys <<= 32
    keys |= tie_order
    return keys


def tie_positions(keys: IntArray) -> IntArray:
    """The `tie_order` value packed into each key; it identifies the passage."""
    positions: IntArray = keys & np.int64(0xFFFFFFFF)
    return positions


def ranks_in(ordered: IntArray, rows: IntArray, keys: IntArray) -> IntArray:
    """Ranks [r], the best is 1, of passages given by their keys [r] in the rankings `ordered` [q, P] of rows [r].

    `ordered` is `np.sort(sort_keys(...), axis=1)`; `rows` must ascend. `NOT_FOUND` where the key is that of no hit.
    """
    ranks = np.empty(len(rows), dtype=np.int64)
    starts = np.flatnonzero(np.r_[True, rows[1:] != rows[:-1]]) if len(rows) else np.zeros(0, dtype=np.int64)
    bounds = np.r_[starts, len(rows)].tolist()
    for begin, end in pairwise(bounds):
        ranks[begin:end] = ordered[rows[begin]].searchsorted(keys[begin:end])
    ranks += 1
    ranks[keys >= NO_HIT] = NOT_FOUND
    return ranks


def full_ranks(scores: FloatArray, rows: IntArray, columns: IntArray, tie_order: IntArray) -> IntArray:
    """Ranks [r] of the passages `columns` [r] for the queries `rows` [r] (ascending) under `scores` [q, P]."""
    keys = sort_keys(scores, tie_order)
    return ranks_in(np.sort(keys, axis=1), rows, keys[rows, columns])


def ranks_by_counting(scores: FloatArray, rows: IntArray, columns: IntArray, tie_order: IntArray) -> IntArray:
    """The definition of a full rank, slow: 1 + the passages with a higher score + those with an equal score that are
    earlier in the tie order. `NOT_FOUND` for a passage of score -inf."""
    scores = np.asarray(scores, dtype=np.float32)
    ranks = [
        NOT_FOUND
        if scores[row, column] == -np.inf
        else 1
        + int((scores[row] > scores[row, column]).sum())
        + int(((scores[row] == scores[row, column]) & (tie_order < tie_order[column])).sum())
        for row, column in zip(rows.tolist(), columns.tolist(), strict=True)
    ]
    return np.array(ranks, dtype=np.int64)


def order_by_rank(labels: IntArray, ranks: IntArray) -> IntArray:
    """[r]: `np.lexsort((ranks, labels))`, from one plain sort where the labels ascend, which is several times as fast.

    Query, rank and the place among the rows of the query are packed into one integer. They fit into 63 bits up to, say,
    a million queries in a pool of 60 million with a hundred thousand judgments of one query.
    """
    count = len(labels)
    changes = labels[1:] != labels[:-1]
    if not count or (labels[1:] < labels[:-1]).any():
        return np.lexsort((ranks, labels))
    queries = np.r_[0, np.cumsum(changes)]
    starts = np.r_[0, np.flatnonzero(changes) + 1]
    within = np.arange(count) - starts[queries]
    beyond = int(ranks.max(where=ranks < NOT_FOUND, initial=0)) + 1  # takes the turn of all that were not found
    low, middle = int(within.max()).bit_length(), beyond.bit_length()
    if ranks.min() < 0 or low + middle + len(starts).bit_length() > 63:
        return np.lexsort((ranks, labels))
    keys = (((queries << middle) | np.minimum(ranks, beyond)) << low) | within
    keys.sort()
    order: IntArray = (keys & ((1 << low) - 1)) + starts[queries]
    return order


@dataclass(frozen=True)
class RankedRelevant:
    """The relevant passages of n queries, in rank order within each query: the input of ranked-list metrics.

    `ranks` [r], `grades` [r] (> 0) and `queries` [r], the number 0..n-1 of each row's query, ascending; `starts` [n] is
    the first row of each query. Every query has at least one row. `labels` [n] are the caller's numbers of the queries.
    """

    ranks: IntArray
    grades: IntArray
    queries: IntArray
    starts: IntArray
    labels: IntArray

    @classmethod
    def gather(cls, labels: IntArray, ranks: IntArray, grades: IntArray) -> RankedRelevant:
        """From parallel arrays [r] in any order; `labels` identify the query of each row. Queries ascend by label."""
        order = order_by_rank(labels, ranks)
        ordered = labels[order]
        first = np.r_[True, ordered[1:] != ordered[:-1]][: len(ordered)]
        starts = np.flatnonzero(first)
        return cls(ranks[order], grades[order], np.cumsum(first) - 1, starts, ordered[starts])

    def __len__(self) -> int:
        return len(self.starts)

    @property
    def counts(self) -> IntArray:
        """R, the number of relevant passages of each query: [n]."""
        counts: IntArray = np.diff(np.r_[self.starts, len(self.ranks)])
        return counts

    @property
    def ordinals(self) -> IntArray:
        """[r]: 1 for the best-ranked relevant passage of a query, 2 for the second, and so on."""
        ordinals: IntArray = np.arange(len(self.ranks)) - self.starts[self.queries] + 1
        return ordinals

    def total(self, values: Values) -> Values:
        """Sums [n] of `values` [r] inside each query."""
        return np.add.reduceat(values, self.starts) if len(self) else np.zeros(0)
