"""Dense retrieval: the score of a passage is the cosine of its vector and the query's."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from hybridret.progress import Progress
from hybridret.records import Collection, FloatArray, IntArray
from hybridret.retrieval.encode import TextEncoder, encode_texts

Version = tuple[tuple[int, int], ...]


@dataclass(frozen=True)
class _Encoded:
    """Vectors and the objects that they were made of: held, so that no other list can come to have their identity."""

    texts: Sequence[str]
    contexts: Sequence[str] | None
    version: Version
    vectors: FloatArray


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

    The vectors of the last list of queries and of the last list of passages are kept: many indexes of one collection
    encode it once, and so do collections that share one list of passages. A list must not change in between.
    """

    cosine = True

    def __init__(self, encoder: TextEncoder, batch_size: int, bf16: bool = False) -> None:
        self._encoder = encoder
        self._batch_size = batch_size
        self._bf16 = bf16
        self._kept: dict[str, _Encoded] = {}

    def index(self, collection: Collection, passages: IntArray, progress: Progress) -> DenseIndex:
        queries = self._vectors("query", collection.queries, None, progress)
        vectors = self._vectors("passage", collection.passages, collection.contexts, progress)
        whole = len(passages) == len(vectors) and bool((passages[:-1] < passages[1:]).all())
        return DenseIndex(queries, vectors if whole else vectors[passages])

    def _vectors(
        self,
        kind: Literal["query", "passage"],
        texts: Sequence[str],
        contexts: Sequence[str] | None,
        progress: Progress,
    ) -> FloatArray:
        # Torch counts in-place changes of a tensor: vectors of weights that were trained further are not used again.
        version = tuple((p.data_ptr(), p._version) for p in self._encoder.parameters())
        kept = self._kept.get(kind)
        if kept is None or kept.texts is not texts or kept.contexts is not contexts or kept.version != version:
            kept = None
            self._kept.pop(kind, None)  # before encoding: never the old and the new vectors in memory at once
            vectors = encode_texts(
                self._encoder, texts, kind, self._batch_size, progress, contexts=contexts, bf16=self._bf16
            )
            kept = self._kept[kind] = _Encoded(texts, contexts, version, vectors)
        return kept.vectors
