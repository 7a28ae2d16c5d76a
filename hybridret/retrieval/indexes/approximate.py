"""Approximate search that reports its quality: recall against exact search, and bytes per passage."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any

import numpy as np

from hybridret.base.progress import Progress
from hybridret.base.records import FloatArray, Hits, IntArray
from hybridret.distributed.process_group import ProcessGroup
from hybridret.retrieval.indexes.exact import Exact
from hybridret.retrieval.indexes.faiss_common import SLICE, finite_queries, hit_keys, index_bytes, on_first_process
from hybridret.retrieval.search_request import SearchRequest
from hybridret.retrieval.topk import WORST, dense_ties, unpack
from hybridret.retrieval.vector_source import VectorSource


class Approximate(ABC):
    """Base class of faiss' approximate indexes: search with an index that `_build` makes from the passages.

    The first process builds and searches; the others get its hits. The last index is kept and used again for the same
    vectors object and range, so vectors must not change in between. Equal scores are put in trec_eval's order, but
    which of them are found at the boundary of k is not defined. Recall is measured on `recall_queries` queries, drawn
    with a fixed seed, against an exact search for the same k by all processes; 0: recall is not measured.
    """

    def __init__(self, faiss: Any, name: str, recall_queries: int) -> None:
        self._faiss = faiss
        self._name = name
        self._recall_queries = recall_queries
        self._kept: tuple[VectorSource, int, int, Any, int] | None = None
        self._notes: dict[str, str] = {}

    def search(self, request: SearchRequest, processes: ProcessGroup, progress: Progress) -> Hits:
        """See `protocols.Index`. If the index finds fewer passages than requested, the rest are -1, with score -inf."""
        self._notes = {}
        empty = request.empty()
        if not empty.passages.size:
            return empty
        ties, columns = dense_ties(request.tie_order)

        def work() -> tuple[IntArray, IntArray]:
            index, size = self._index(request, progress)
            keys = self._keys(index, finite_queries(request.queries), ties, request.depth, progress)
            return keys, np.array([size], dtype=np.int64)

        keys, size = on_first_process(work, processes)
        missing = keys == WORST
        found, scores = unpack(np.where(missing, 0, keys), columns)
        found += request.first
        found[missing], scores[missing] = -1, -np.inf
        recall = self._recall(request, found, processes, progress)
        self._notes = {
            "index": self._name,
            f"recall@{request.depth} against exact search": recall,
            "bytes per passage": f"{int(size[0]) / len(request):.1f}",
        }
        return Hits(found, scores)

    def notes(self) -> dict[str, str]:
        return dict(self._notes)

    @abstractmethod
    def _build(self, request: SearchRequest, progress: Progress) -> Any:
        """The faiss index of the passages of `request`, ready for searches of its depth."""

    def _index(self, request: SearchRequest, progress: Progress) -> tuple[Any, int]:
        """The index and its size in bytes: the kept one if it fits this request, else a new one."""
        passages, first, last = request.passages, request.first, request.last
        kept = self._kept
        if kept is None or kept[0] is not passages or kept[1:3] != (first, last):
            kept = self._kept = None  # freed before building: never two indexes in memory
            index = self._build(request, progress)
            kept = self._kept = (passages, first, last, index, index_bytes(self._faiss, index))
        return kept[3], kept[4]

    @staticmethod
    def _keys(index: Any, queries: FloatArray, ties: IntArray, k: int, progress: Progress) -> IntArray:
        keys = np.empty((len(queries), k), dtype=np.int64)
        with progress.task("search", len(queries)) as advance:
            for start in range(0, len(queries), SLICE):
                part = slice(start, start + SLICE)
                scores, columns = index.search(queries[part], k)
                keys[part] = hit_keys(scores, columns, ties)
                advance(len(columns))
        return keys

    def _recall(self, request: SearchRequest, found: IntArray, processes: ProcessGroup, progress: Progress) -> str:
        """The share of the passages of an exact search that were found, over a sample of the queries, as text."""
        count = min(self._recall_queries, len(found))
        if not count:
            return "not measured (recall_queries is 0)"
        sample = np.sort(np.random.default_rng(0).choice(len(found), count, replace=False))
        exact = Exact().search(request.of(sample), processes, progress).passages
        hits = sum(len(np.intersect1d(ours, best)) for ours, best in zip(found[sample], exact, strict=True))
        return f"{hits / exact.size:.4f} (on {count} of {len(found)} queries)"
