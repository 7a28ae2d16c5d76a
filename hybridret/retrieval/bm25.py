"""BM25 (Robertson), the lexical baseline, through the optional package bm25s.

Every index has the document frequencies of its own passages, so that a monolingual index knows one language only.
Scores across languages come from shared words alone: names and numbers.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

import numpy as np

from hybridret.errors import UserError
from hybridret.progress import Progress
from hybridret.records import Collection, FloatArray, IntArray
from hybridret.retrieval.words import words


class Bm25Index:
    """bm25s scores of queries given as words; `model` None: no passage has a word, every score is 0."""

    def __init__(self, model: Any, queries: list[list[str]], passages: int) -> None:
        self._model = model
        self._queries = queries
        self._passages = passages

    def scores(self, queries: IntArray) -> FloatArray:
        scores = np.zeros((len(queries), self._passages), dtype=np.float32)
        if self._model is not None:
            vocabulary = self._model.vocab_dict
            for row, query in enumerate(queries.tolist()):
                known = [vocabulary[word] for word in self._queries[query] if word in vocabulary]
                if known:
                    scores[row] = self._model.get_scores_from_ids(known)
        return scores


class Bm25:
    """BM25 as a retriever. `method` is bm25s' name of the variant (lucene, robertson, atire, bm25l, bm25+).

    Raises UserError where bm25s is not installed or a parameter is out of range.
    """

    cosine = False

    def __init__(self, k1: float = 1.2, b: float = 0.75, method: str = "lucene") -> None:
        if k1 < 0 or not 0 <= b <= 1:
            raise UserError(f"bm25: k1 is {k1} and b is {b}; k1 must be at least 0 and b between 0 and 1.")
        known = ("robertson", "lucene", "atire", "bm25l", "bm25+")
        if method not in known:
            raise UserError(f"bm25: method is {method!r}; it must be one of {', '.join(known)}.")
        try:
            self._bm25s: Any = import_module("bm25s")
        except ImportError as error:
            raise UserError(
                "BM25 needs the package bm25s, which is not installed. Install it with: pip install 'hybridret[bm25]'"
            ) from error
        self._k1, self._b, self._method = k1, b, method
        self._kept: tuple[Collection, list[list[str]], list[list[str]]] | None = None

    def index(self, collection: Collection, passages: IntArray, progress: Progress) -> Bm25Index:
        queries, documents = self._words(collection, progress)
        chosen = [documents[passage] for passage in passages.tolist()]
        if not any(chosen):
            return Bm25Index(None, queries, len(chosen))
        model = self._bm25s.BM25(k1=self._k1, b=self._b, method=self._method, backend="numpy")
        model.index(chosen, show_progress=False)
        return Bm25Index(model, queries, len(chosen))

    def _words(self, collection: Collection, progress: Progress) -> tuple[list[list[str]], list[list[str]]]:
        """Words of all queries and passages, split once for all indexes of a collection."""
        if self._kept is None or self._kept[0] is not collection:
            contexts = collection.contexts or [""] * len(collection.passages)
            with progress.task("split into words", len(collection.passages) + len(collection.queries)) as advance:
                queries = [words(text) for text in collection.queries]
                advance(len(queries))
                documents = [words(f"{text} {c}") for text, c in zip(collection.passages, contexts, strict=True)]
                advance(len(documents))
            self._kept = (collection, queries, documents)
        return self._kept[1], self._kept[2]
