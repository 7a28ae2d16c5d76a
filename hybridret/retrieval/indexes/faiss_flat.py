"""Exact search with faiss (`IndexFlatIP`), an alternative to `Exact`: all vectors in memory, not compressed.

faiss orders equal scores arbitrarily, and its choice between them at the boundary of k is arbitrary too. So more than k
hits are fetched, their scores are computed again from the vectors, and they are ordered as in trec_eval. If rounding
leaves open whether a passage that was not fetched belongs to the best k, as with many equal scores, `Exact` searches
the query.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from hybridret.base.errors import UserError
from hybridret.base.progress import Progress
from hybridret.base.records import FloatArray, Hits, IntArray
from hybridret.distributed.process_group import ProcessGroup
from hybridret.retrieval.indexes.exact import Exact
from hybridret.retrieval.indexes.faiss_common import (
    fill,
    finite_queries,
    hit_keys,
    load_faiss,
    on_first_process,
    to_device,
)
from hybridret.retrieval.search_request import SearchRequest
from hybridret.retrieval.topk import dense_ties, unpack

_QUERIES_AT_ONCE = 256


class FaissFlat:
    """Plug-in `index`: the hits of `Exact`, in the same order, from faiss.

    Scores are computed in fp64 and rounded to fp32 once; those of `Exact` are summed in fp32. Last bits therefore
    differ, and two passages whose scores differ only there may be exchanged. The first process searches alone: more
    processes are not faster. Raises UserError if faiss is not installed or a vector is not finite.
    """

    def __init__(self) -> None:
        self._faiss = load_faiss()
        self._again = 0

    def search(self, request: SearchRequest, processes: ProcessGroup, progress: Progress) -> Hits:
        """See `protocols.Index`."""
        self._again = 0
        empty = request.empty()
        if not empty.passages.size:
            return empty
        ties, columns = dense_ties(request.tie_order)
        keys, unsure = on_first_process(lambda: self._search_here(request, ties, progress), processes)
        found, scores = unpack(keys, columns)
        found += request.first
        if len(unsure):
            self._again = len(unsure)
            hits = Exact().search(request.of(unsure), processes, progress)
            found[unsure], scores[unsure] = hits.passages, hits.scores
        return Hits(found, scores)

    def notes(self) -> dict[str, str]:
        if not self._again:
            return {}
        return {"searched again without faiss, because of equal scores": f"{self._again} queries"}

    def _search_here(self, request: SearchRequest, ties: IntArray, progress: Progress) -> tuple[IntArray, IntArray]:
        """Keys [q, depth] and the numbers of the queries whose best `depth` are not certain."""
        queries, depth, dimension = finite_queries(request.queries), request.depth, request.passages.dimension
        fetched = min(depth + max(64, depth // 10), len(request))
        index = to_device(self._faiss, self._faiss.IndexFlatIP(dimension), request.device, fetched)
        longest = fill(index, request.passages, request.first, request.last, progress)
        lengths = np.sqrt(np.einsum("qd,qd->q", queries, queries, dtype=np.float64))
        error = dimension * 2.0**-23 * lengths * longest  # bound on the error of an fp32 sum in any order, doubled
        keys = np.empty((len(queries), depth), dtype=np.int64)
        unsure: list[IntArray] = []
        with progress.task("search", len(queries)) as advance:
            for start in range(0, len(queries), _QUERIES_AT_ONCE):
                part = slice(start, start + _QUERIES_AT_ONCE)
                rough, columns = index.search(queries[part], fetched)
                if (columns < 0).any():
                    raise UserError(
                        f"Scores of query {start + int(np.argwhere(columns < 0)[0, 0])} are no numbers: vectors are "
                        f"far too large. Check the weights and the precision of the encoder."
                    )
                scores = self._exact_scores(index, queries[part], columns)
                best = hit_keys(scores, columns, ties)
                keys[part] = best[:, :depth]
                if fetched < len(request):
                    kth = np.partition(scores, fetched - depth, axis=1)[:, fetched - depth]
                    open_still = kth <= rough[:, -1] + error[part]
                    unsure.append(start + np.flatnonzero(open_still))
                advance(len(columns))
        return keys, np.concatenate(unsure) if unsure else np.zeros(0, dtype=np.int64)

    def _exact_scores(self, index: Any, queries: FloatArray, columns: IntArray) -> FloatArray:
        """Inner products [q, c] in fp64, rounded to fp32: each depends on its two vectors only, not on the batch."""
        scores = np.empty(columns.shape, dtype=np.float32)
        with np.errstate(over="ignore"):  # infinite scores are found later, in `hit_keys`
            for row, query in enumerate(queries):
                products = np.multiply(index.reconstruct_batch(columns[row]), query, dtype=np.float64)
                scores[row] = products.sum(axis=1)
        return scores
