"""Dense retrieval: the score of a passage is the cosine of its vector and the query's."""

from __future__ import annotations

from dataclasses import dataclass

from hybridret.progress import Progress
from hybridret.records import Collection, FloatArray, IntArray
from hybridret.retrieval.encode import TextEncoder, encode_texts

Version = tuple[tuple[int, int], ...]


@dataclass(frozen=True)
class DenseIndex:
    """Exact search over vectors: `queries` [Q, D] of the collection, `passages` [P', D] of the index."""

    queries: FloatArray
    passages: FloatArray

    def scores(self, queries: IntArray) -> FloatArray:
        product: FloatArray = self.queries[queries] @ self.passages.T
        return product


class Dense:
    """A retriever from an encoder with unit vectors; `batch_size` in texts.

    The last collection's vectors are kept, so each collection is encoded once however many indexes are made of it.
    """

    cosine = True

    def __init__(self, encoder: TextEncoder, batch_size: int, bf16: bool = False) -> None:
        self._encoder = encoder
        self._batch_size = batch_size
        self._bf16 = bf16
        self._kept: tuple[Collection, Version, FloatArray, FloatArray] | None = None

    def index(self, collection: Collection, passages: IntArray, progress: Progress) -> DenseIndex:
        queries, vectors = self._vectors(collection, progress)
        whole = len(passages) == len(vectors) and bool((passages[:-1] < passages[1:]).all())
        return DenseIndex(queries, vectors if whole else vectors[passages])

    def _vectors(self, collection: Collection, progress: Progress) -> tuple[FloatArray, FloatArray]:
        # Torch counts in-place changes of a tensor: vectors of weights that were trained further are not used again.
        version = tuple((p.data_ptr(), p._version) for p in self._encoder.parameters())
        if self._kept is None or self._kept[0] is not collection or self._kept[1] != version:
            self._kept = None
            queries = encode_texts(
                self._encoder, collection.queries, "query", self._batch_size, progress, bf16=self._bf16
            )
            passages = encode_texts(
                self._encoder,
                collection.passages,
                "passage",
                self._batch_size,
                progress,
                contexts=collection.contexts,
                bf16=self._bf16,
            )
            self._kept = (collection, version, queries, passages)
        return self._kept[2], self._kept[3]
