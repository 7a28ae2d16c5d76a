"""HNSW of faiss (Malkov and Yashunin 2018, arXiv:1603.09320): search walks a graph to the nearest passages.

Vectors are not compressed, so the scores of the hits are exact. Search is fast, but the index is larger than the
vectors and slow to build.
"""

from __future__ import annotations

from typing import Annotated, Any

from annotated_types import Ge

from hybridret.base.progress import Progress
from hybridret.base.ranges import Count, Natural, checked
from hybridret.retrieval.indexes.approximate import Approximate
from hybridret.retrieval.indexes.faiss_common import fill, load_faiss
from hybridret.retrieval.search_request import SearchRequest


@checked("index")
class FaissHnsw(Approximate):
    """Plug-in `index`: HNSW with inner products, on the CPU (faiss has none for GPUs).

    `links`: links of a passage. `construction`, `search`: breadth of the walk while building and while searching (the
    latter is at least k in effect). With 1 of `threads` every build gives the same graph; more threads are faster, but
    each build differs a little. Raises UserError if faiss is not installed or a number is out of range.
    """

    def __init__(
        self,
        links: Annotated[int, Ge(2)],
        construction: Count,
        search: Count,
        recall_queries: Natural,
        threads: Count = 1,
    ) -> None:
        self._links = links
        self._construction = construction
        self._breadth = search
        self._threads = threads
        name = f"faiss HNSW: {links} links, breadth {construction} to build and {search} to search"
        super().__init__(load_faiss(), name, recall_queries)

    def _build(self, request: SearchRequest, progress: Progress) -> Any:
        index = self._faiss.IndexHNSWFlat(request.passages.dimension, self._links, self._faiss.METRIC_INNER_PRODUCT)
        index.hnsw.efConstruction = self._construction
        index.hnsw.efSearch = self._breadth
        before = self._faiss.omp_get_max_threads()
        self._faiss.omp_set_num_threads(self._threads)
        try:
            fill(index, request.passages, request.first, request.last, progress)
        finally:
            self._faiss.omp_set_num_threads(before)
        return index
