"""The k best passages, exactly, with equal scores in trec_eval's order also at the boundary of k.

torch's `topk` and faiss order equal scores arbitrarily. The keys of score and tie position used here all differ.
"""

from __future__ import annotations

import numpy as np

from hybridret.base.records import FloatArray, IntArray
from hybridret.metrics.ranks import sort_keys, tie_positions


def search_top_k(scores: FloatArray, k: int, tie_order: IntArray) -> tuple[IntArray, FloatArray]:
    """Columns [q, k'] and scores [q, k'] of the best passages, best first; k' = min(k, P).

    `scores` [q, P] must be finite; `tie_order` [P] is `Collection.tie_order`, or its part for some passages.
    """
    dense = np.empty(len(tie_order), dtype=np.int64)  # a slice of a permutation becomes one of 0..P-1 again
    column_of = np.argsort(tie_order, kind="stable")
    dense[column_of] = np.arange(len(tie_order))
    keys = sort_keys(scores, dense)
    if k < keys.shape[1]:
        keys = np.partition(keys, k - 1, axis=1)[:, :k]
    columns = column_of[tie_positions(np.sort(keys, axis=1))]
    return columns, np.take_along_axis(np.asarray(scores, dtype=np.float32), columns, axis=1)
