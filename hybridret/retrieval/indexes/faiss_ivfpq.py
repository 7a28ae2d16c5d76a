"""IVF-PQ of faiss (Jegou et al. 2011, doi:10.1109/TPAMI.2010.57): passages in lists, vectors compressed to codes.

A query searches only the nearest lists, and scores are computed from the codes. A passage takes a few dozen bytes, so a
large corpus fits in memory; `notes` states the loss of recall.
"""

from __future__ import annotations

from typing import Annotated, Any

import numpy as np
from annotated_types import Ge, Le

from hybridret.base.errors import UserError
from hybridret.base.progress import Progress
from hybridret.base.ranges import Count, Natural, checked
from hybridret.base.records import FloatArray
from hybridret.retrieval.indexes.approximate import Approximate
from hybridret.retrieval.indexes.faiss_common import fill, load_faiss, slices, to_device
from hybridret.retrieval.search_request import SearchRequest
from hybridret.retrieval.vector_source import VectorSource

_VECTORS_PER_CENTROID = 39  # with fewer, faiss itself warns of bad centroids


@checked("index")
class FaissIvfPq(Approximate):
    """Plug-in `index`: IVF-PQ with inner products; every build gives the same index for the same number of threads.

    `lists` is the number of clusters of passages, of which a query visits `probes`. A vector is stored as
    `subquantizers` codes of `bits` bits. Training uses `training_sample` passages drawn with a fixed seed, of which
    faiss uses at most 256 per list. Raises UserError if faiss is not installed, a number is out of range or there are
    too few passages for training.
    """

    def __init__(
        self,
        lists: Count,
        subquantizers: Count,
        bits: Annotated[int, Ge(1), Le(8)],
        probes: Count,
        training_sample: Count,
        recall_queries: Natural,
    ) -> None:
        if probes > lists:
            raise UserError(f"index.probes={probes} must be at most index.lists={lists}: a query visits no list twice.")
        self._needed = _VECTORS_PER_CENTROID * max(lists, 2**bits)
        if training_sample < self._needed:
            raise UserError(
                f"index: training_sample is {training_sample}, but IVF-PQ with {lists} lists and {bits} bits learns "
                f"from at least {self._needed} passages ({_VECTORS_PER_CENTROID} for each centroid). Raise "
                f"training_sample or lower lists."
            )
        self._lists = lists
        self._subquantizers = subquantizers
        self._bits = bits
        self._probes = probes
        self._training_sample = training_sample
        name = f"faiss IVF-PQ: {lists} lists, {probes} visited, {subquantizers} x {bits} bits"
        super().__init__(load_faiss(), name, recall_queries)

    def _build(self, request: SearchRequest, progress: Progress) -> Any:
        passages, first, last = request.passages, request.first, request.last
        dimension = passages.dimension
        if dimension % self._subquantizers:
            raise UserError(
                f"index: vectors of {dimension} numbers cannot be cut into {self._subquantizers} equal parts; "
                f"subquantizers must be a divisor of {dimension}."
            )
        if len(request) < self._needed:
            raise UserError(
                f"index: IVF-PQ with {self._lists} lists and {self._bits} bits learns from at least {self._needed} "
                f"passages ({_VECTORS_PER_CENTROID} for each centroid), and there are {len(request)}. Lower "
                f"index.lists and index.bits, or use index=exact, which is fast for so few."
            )
        quantizer = self._faiss.IndexFlatIP(dimension)
        index = self._faiss.IndexIVFPQ(
            quantizer, dimension, self._lists, self._subquantizers, self._bits, self._faiss.METRIC_INNER_PRODUCT
        )
        index = to_device(self._faiss, index, request.device, request.depth)
        index.nprobe = self._probes
        index.train(self._sample(passages, first, last, progress))
        fill(index, passages, first, last, progress)
        return index

    def _sample(self, passages: VectorSource, first: int, last: int, progress: Progress) -> FloatArray:
        """Vectors of passages drawn without replacement, in order; the source is read in slices."""
        count = last - first
        size = min(self._training_sample, count)
        drawn = np.sort(np.random.default_rng(0).choice(count, size, replace=False))
        sample = np.empty((size, passages.dimension), dtype=np.float32)
        begin = done = 0
        with progress.task("sample passages to train the index", count) as advance:
            for rows in slices(passages, first, last):
                end = int(np.searchsorted(drawn, begin + len(rows)))
                sample[done:end] = rows[drawn[done:end] - begin]
                done, begin = end, begin + len(rows)
                advance(len(rows))
        return sample
