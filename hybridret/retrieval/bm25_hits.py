"""The best passages by sparse scores, with equal scores in trec_eval's order, also at the boundary of k.

Most passages have no word of a query, so sorting only the others is faster than sort keys for all passages
(`retrieval/exact_search.py`); the tests compare both.
"""

from __future__ import annotations

import numpy as np

from hybridret.base.records import FloatArray, IntArray


def best_of(scores: FloatArray, k: int, ties: IntArray, nothing: float = 0.0) -> tuple[IntArray, FloatArray]:
    """At most k columns of one row of `scores` [P] and their scores, best first; only scores above `nothing`.

    `ties` [P] orders equal scores, ascending.
    """
    columns = np.flatnonzero(scores > nothing)
    found = scores[columns]
    if len(columns) > k:
        least = np.partition(found, len(columns) - k)[len(columns) - k] if k else np.inf
        columns = columns[found >= least]
        found = scores[columns]
    order = np.lexsort((ties[columns], -found))[:k]
    return columns[order], found[order]


def order_hits(columns: IntArray, scores: FloatArray, ties: IntArray) -> tuple[IntArray, FloatArray]:
    """`columns` [q, k] and their `scores` [q, k], each row best first and equal scores by `ties` [P] ascending."""
    order = np.lexsort((ties[columns], -scores), axis=1)
    return np.take_along_axis(columns, order, axis=1), np.take_along_axis(scores, order, axis=1)
