"""Dense retrieval: the score of a passage is the cosine of its vector and the query vector."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Literal

import numpy as np

from hybridret.base.progress import Progress
from hybridret.base.records import Collection, FloatArray, Hits, IntArray
from hybridret.distributed.process_group import ProcessGroup, SingleProcess
from hybridret.retrieval.corpus import encode_corpus, fingerprint
from hybridret.retrieval.encode import TextEncoder, encode_texts
from hybridret.retrieval.indexes.together import raise_on_all_processes
from hybridret.retrieval.products import products
from hybridret.retrieval.protocols import Index
from hybridret.retrieval.search_request import SearchRequest
from hybridret.retrieval.vector_source import VectorSource
from hybridret.retrieval.vectors import ArrayVectors, chosen_rows

Version = tuple[tuple[int, int], ...]
PAIRS = 1 << 15  # pairs whose vectors are held at a time


@dataclass(frozen=True)
class _Made:
    """The inputs of cached vectors. The lists are kept alive, so that no new list gets the same identity."""

    texts: Sequence[str]
    contexts: Sequence[str] | None
    version: Version
    queries: Sequence[str] | None = None

    def same(self, other: _Made) -> bool:
        return (
            self.texts is other.texts
            and self.contexts is other.contexts
            and self.queries is other.queries
            and self.version == other.version
        )


@dataclass(frozen=True)
class DenseIndex:
    """Exact search over vectors: `queries` [Q, D] of the collection, `passages` [P', D] of the index."""

    queries: FloatArray
    passages: FloatArray

    @property
    def partial(self) -> bool:
        return False

    def scores(self, queries: IntArray) -> FloatArray:
        return products(self.queries[queries], self.passages)


class Dense:
    """A retriever from an encoder with unit vectors; `batch_size` in texts.

    index: the index that `search` uses; None: exact search.
    cache, cache_from, stored: corpora of `cache_from` passages or more are streamed, and stored below the folder
        `cache` (None: in memory) as float32 or float16.
    key: what the encoder's vectors depend on; needed with `cache`.
    processes: the processes that share `search`; all of them make the same calls of `search`, `pair_scores` and
        `cross_scores` in the same order. The method `index` works in its own process only.
    cosine: whether the encoder's vectors have unit length, so that scores are cosines.

    The vectors of the last list of queries and of the last list of passages are kept in memory: a collection is encoded
    once for many indexes, and a list of passages once for all collections that share it. Lists must not be changed.
    """

    def __init__(
        self,
        encoder: TextEncoder,
        batch_size: int,
        precision: str = "fp32",
        index: Index | None = None,
        cache: Path | None = None,
        cache_from: int = 50_000,
        stored: str = "float32",
        key: Mapping[str, str] | None = None,
        processes: ProcessGroup | None = None,
        cosine: bool = True,
    ) -> None:
        if cache is not None and key is None:
            raise ValueError("a cache needs a key: without one, vectors of other weights would be found in it")
        self.cosine = cosine
        self._encoder = encoder
        self._batch_size = batch_size
        self._precision = precision
        self._index = index
        self._cache = cache
        self._cache_from = cache_from
        self._stored = stored
        self._key = dict(key or {})
        self._processes = processes or SingleProcess()
        self._keyed = self._version()
        self._kept: dict[str, tuple[_Made, FloatArray]] = {}
        self._searched: tuple[_Made, FloatArray, VectorSource] | None = None

    def index(self, collection: Collection, passages: IntArray, progress: Progress) -> DenseIndex:
        """See `protocols.Retriever`; all vectors of the collection are held in memory."""
        queries = self._vectors("query", collection.queries, None, progress)
        vectors = self._vectors("passage", collection.passages, collection.contexts, progress, collection.fingerprint)
        whole = len(passages) == len(vectors) and bool((passages[:-1] < passages[1:]).all())
        return DenseIndex(queries, vectors if whole else vectors[passages])

    def search(
        self, collection: Collection, queries: IntArray, first: int, last: int, depth: int, progress: Progress
    ) -> Hits:
        """See `protocols.Retriever`. Raises UserError where another process of the search ended."""
        asked, passages = self._corpus(collection, progress)
        device = str(next(iter(self._encoder.parameters())).device)
        ties = tie_positions(collection.tie_order, first, last)
        request = SearchRequest(asked[queries], passages, first, last, ties, depth, device)
        return self._searcher().search(request, self._processes, progress)

    def pair_scores(
        self, collection: Collection, queries: IntArray, passages: IntArray, progress: Progress
    ) -> FloatArray:
        """[n]: the score of `passages[i]` for `queries[i]`, both indices [n] of the collection."""
        asked, source = self._corpus(collection, progress)
        scores = np.empty(len(queries), dtype=np.float32)
        for start in range(0, len(queries), PAIRS):
            part = slice(start, start + PAIRS)
            scores[part] = np.einsum("nd,nd->n", asked[queries[part]], chosen_rows(source, passages[part]))
        return scores

    def cross_scores(
        self, collection: Collection, queries: IntArray, passages: IntArray, progress: Progress
    ) -> FloatArray:
        """[q, S]: the scores of all `passages` [S] for all `queries` [q], both indices of the collection."""
        asked, source = self._corpus(collection, progress)
        return products(asked[queries], chosen_rows(source, passages))

    def notes(self) -> Mapping[str, str]:
        """The notes of the index on the last search."""
        return self._index.notes() if self._index is not None else {}

    def about(self, collection: Collection) -> Mapping[str, str]:
        """Empty: the files of the run describe it already."""
        return {}

    def _searcher(self) -> Index:
        if self._index is None:
            from hybridret.retrieval.indexes.exact import Exact

            self._index = Exact()
        return self._index

    def _corpus(self, collection: Collection, progress: Progress) -> tuple[FloatArray, VectorSource]:
        """Vectors [Q, D] of the queries, those of the first process in all processes, and vectors of the passages.

        Only `search`, `pair_scores` and `cross_scores` call this. All processes make these calls in the same order, so
        the cached vectors are the same in all of them, and all agree on whether they have to communicate.
        """
        made = _Made(collection.passages, collection.contexts, self._version(), collection.queries)
        if self._searched is not None and self._searched[0].same(made):
            return self._searched[1:]
        self._searched = None
        own = partial(self._vectors, "query", collection.queries, None, progress)
        nothing = np.empty((0, self._encoder.dimension), dtype=np.float32)
        queries = self._processes.gather(
            raise_on_all_processes(own if self._processes.rank == 0 else lambda: nothing, self._processes)
        )[0]
        texts, contexts = collection.passages, collection.contexts
        large = len(texts) >= self._cache_from
        if large and (self._cache is not None or self._processes.world > 1):
            passages = self._stream(texts, contexts, self._processes, progress, collection.fingerprint)
        else:
            passages = ArrayVectors(self._vectors("passage", texts, contexts, progress))
        self._searched = (made, queries.astype(np.float32, copy=False), passages)
        return self._searched[1:]

    def _vectors(
        self,
        kind: Literal["query", "passage"],
        texts: Sequence[str],
        contexts: Sequence[str] | None,
        progress: Progress,
        given: str = "",
    ) -> FloatArray:
        """Vectors in memory, encoded by this process alone. `given`: the fingerprint of `texts`, if it is known."""
        made = _Made(texts, contexts, self._version())
        held = self._kept.get(kind)
        if held is not None and held[0].same(made):
            return held[1]
        del held
        self._kept.pop(kind, None)  # before encoding: never the old and the new vectors in memory at once
        if kind == "passage" and len(texts) >= self._cache_from:
            vectors = self._stream(texts, contexts, SingleProcess(), progress, given).rows(0, len(texts))
        else:
            vectors = encode_texts(
                self._encoder, texts, kind, self._batch_size, progress, contexts=contexts, precision=self._precision
            )
        self._kept[kind] = (made, vectors)
        return vectors

    def _stream(
        self,
        texts: Sequence[str],
        contexts: Sequence[str] | None,
        processes: ProcessGroup,
        progress: Progress,
        given: str,
    ) -> VectorSource:
        key = self._key
        if self._cache is not None:
            if self._version() != self._keyed:
                raise ValueError("the weights changed or moved after their key was made: make a new retriever for them")
            key = {**key, "passages": given or fingerprint(texts)}
            if contexts is not None:
                key["contexts"] = fingerprint(contexts)
        return encode_corpus(
            self._encoder,
            texts,
            contexts,
            self._batch_size,
            self._precision,
            self._stored,
            self._cache,
            key,
            processes,
            progress,
        )

    def _version(self) -> Version:
        # torch counts in-place changes of a tensor: after further training, old vectors are not used again.
        return tuple((p.data_ptr(), p._version) for p in self._encoder.parameters())


def tie_positions(tie_order: IntArray, first: int, last: int) -> IntArray:
    """[last - first]: the tie position of each passage of the slice among those of the slice, a permutation."""
    part = tie_order[first:last]
    if len(part) == len(tie_order):
        return part
    positions = np.empty(len(part), dtype=np.int64)
    positions[np.argsort(part)] = np.arange(len(part))
    return positions
