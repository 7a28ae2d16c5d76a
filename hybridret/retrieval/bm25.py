"""BM25 (Robertson), the lexical baseline, through the optional package bm25s.

Every index uses the document frequencies of its own passages, so a monolingual index has those of one language only.
Scores across languages come only from words that both languages share, such as names and numbers.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Mapping
from importlib import import_module
from typing import Any, Literal, get_args

import numpy as np

from hybridret.base.errors import UserError
from hybridret.base.progress import Progress
from hybridret.base.ranges import NotNegative, Share, checked
from hybridret.base.records import Collection, FloatArray, Hits, IntArray
from hybridret.retrieval.bm25_hits import best_of, order_hits
from hybridret.retrieval.terms import Terms
from hybridret.retrieval.word_table import PassageWords, WordTable

Method = Literal["robertson", "lucene", "atire", "bm25l", "bm25+"]
METHODS: tuple[Method, ...] = get_args(Method)
COMPILED = 1 << 32  # scores in a search above which `auto` uses numba: twice as fast, but compiling takes five seconds
TOGETHER = 64  # queries in one call of numba: the progress bar moves after each call
PASSES = 3  # bm25s reads all passages three times to index them


class Bm25Index:
    """bm25s scores of the passages in `words`; `model` None: no passage has any word, so there are no hits."""

    partial = True

    def __init__(self, model: Any, table: WordTable, words: PassageWords) -> None:
        self._model = model
        self._table = table
        self._words = words

    def scores(self, queries: IntArray) -> FloatArray:
        """[q, P'] fp32; -inf for a passage without any word of the query: it is no hit, as in `best`."""
        scores = np.full((len(queries), len(self._words)), -np.inf, dtype=np.float32)
        for row, query in enumerate(queries.tolist()):
            if known := self.known(query):
                found = self._model.get_scores_from_ids(known)
                scores[row] = np.where(found > self._nothing(known), found, -np.inf)
        return scores

    def _nothing(self, known: list[int]) -> float:
        """The score of a passage without any of these words: 0, except in bm25l and bm25+."""
        shift = self._model.nonoccurrence_array
        return 0.0 if shift is None else float(np.float32(shift[np.asarray(known, dtype=np.int32)].sum()))

    def known(self, query: int) -> list[int]:
        """The words of a query that occur in at least one passage of the index."""
        return self._words.numbers_of(self._table.queries[query]) if self._model is not None else []

    def best(self, queries: IntArray, k: int, ties: IntArray, compiled: bool, progress: Progress) -> Hits:
        """The k best columns for `queries` [q], equal scores by `ties` [P']; only passages with a word of the query."""
        hits = Hits(np.full((len(queries), k), -1, dtype=np.int64), np.full((len(queries), k), -np.inf, np.float32))
        known = [self.known(query) for query in queries.tolist()]
        asked = [row for row, words in enumerate(known) if words]
        with progress.task("search passages", len(queries)) as advance:
            advance(len(queries) - len(asked))
            step = TOGETHER if compiled else 1
            for first in range(0, len(asked), step):
                rows = asked[first : first + step]
                if compiled:
                    self._fill_compiled(hits, rows, [known[row] for row in rows], k, ties)
                else:
                    self._fill(hits, rows[0], known[rows[0]], k, ties)
                advance(len(rows))
        return hits

    def _fill(self, hits: Hits, row: int, known: list[int], k: int, ties: IntArray) -> None:
        """Fill the hits of one query from the scores of all passages."""
        columns, scores = best_of(self._model.get_scores_from_ids(known), k, ties, self._nothing(known))
        hits.passages[row, : len(columns)], hits.scores[row, : len(columns)] = columns, scores

    def _fill_compiled(self, hits: Hits, rows: list[int], known: list[list[int]], k: int, ties: IntArray) -> None:
        """Fill the hits of several queries at once with numba, which orders equal scores arbitrarily. So k + 1 hits are
        requested; if the last two have equal scores, the query is searched again from the scores of all passages."""
        wanted = min(k + 1, len(self._words))
        columns, scores = self._model.retrieve(
            known, k=wanted, sorted=True, show_progress=False, n_threads=_threads(), backend_selection="numba"
        )
        columns, scores = order_hits(columns.astype(np.int64), scores, ties)
        found = scores > 0
        hits.passages[rows] = np.where(found, columns, -1)[:, :k]
        hits.scores[rows] = np.where(found, scores, -np.inf)[:, :k]
        if wanted > k:
            for position in np.flatnonzero(found[:, k] & (scores[:, k - 1] == scores[:, k])).tolist():
                self._fill(hits, rows[position], known[position], k, ties)


@checked("backbone")
class Bm25:
    """BM25 as a retriever. `method` is bm25s' name of the variant (lucene, robertson, atire, bm25l, bm25+).

    `backend`: numba or numpy, with the same hits; auto: numba if it is installed and the search is large. `stemmer`:
    Snowball stems instead of words. `stopwords`: leave out the stop words of bm25s' lists. Both apply to the languages
    that have a stemmer or a list; the notes name them (`terms.py`). The word numbers and the postings of an index are
    in memory: about 12 bytes for each different query word of each passage. Raises UserError if a parameter is out of
    range, or if bm25s, or a requested numba or PyStemmer, is not installed.
    """

    cosine = False

    def __init__(
        self,
        k1: NotNegative = 1.2,
        b: Share = 0.75,
        method: Method = "lucene",
        backend: Literal["auto", "numba", "numpy"] = "auto",
        stemmer: bool = False,
        stopwords: bool = False,
    ) -> None:
        try:
            self._bm25s: Any = import_module("bm25s")
        except ImportError as error:
            raise UserError(
                "BM25 needs the package bm25s, which is not installed. Install it with: pip install 'hybridret[bm25]'"
            ) from error
        if backend == "numba" and not _has_numba():
            raise UserError(
                "bm25: backend=numba needs the package numba, which is not installed. Install it with: "
                "pip install 'hybridret[bm25]', or choose backend=numpy."
            )
        self._k1, self._b, self._method, self._backend = k1, b, method, backend
        self._terms = Terms(stemmer, stopwords)
        self._table: tuple[Collection, WordTable] | None = None
        self._index: tuple[Collection, int, int, Bm25Index] | None = None

    def index(self, collection: Collection, passages: IntArray, progress: Progress) -> Bm25Index:
        table = self._words(collection, progress)
        with progress.task("index passages", PASSES * len(passages)) as advance:
            words = table.of_passages(passages, advance)
            if not words.vocab:
                return Bm25Index(None, table, words)
            model = self._bm25s.BM25(k1=self._k1, b=self._b, method=self._method, backend="numpy")
            model.index(words, create_empty_token=False, show_progress=False)
        return Bm25Index(model, table, words)

    def search(
        self, collection: Collection, queries: IntArray, first: int, last: int, depth: int, progress: Progress
    ) -> Hits:
        """The best min(depth, last - first) of the passages `first` to `last` - 1, by their own document frequencies.

        A passage without any word of the query is no hit, as in Lucene. The last index is kept and used again for the
        same range.
        """
        depth = min(depth, last - first)
        index = self._kept(collection, first, last, progress)
        large = len(queries) * (last - first) >= COMPILED
        compiled = self._backend == "numba" or (self._backend == "auto" and large and _has_numba())
        compiled = compiled and self._method not in ("bm25l", "bm25+") and depth > 0
        hits = index.best(queries, depth, collection.tie_order[first:last], compiled, progress)
        return Hits(np.where(hits.passages < 0, -1, hits.passages + first), hits.scores)

    def pair_scores(
        self, collection: Collection, queries: IntArray, passages: IntArray, progress: Progress
    ) -> FloatArray:
        """[n]: the score of `passages[i]` for `queries[i]`, both indices [n] of the collection, by the document
        frequencies of all its passages; -inf without a common word.
        """
        index = self._kept(collection, 0, len(collection.passage_ids), progress)
        found = np.empty(len(queries), dtype=np.float32)
        order = np.argsort(queries, kind="stable")
        asked, starts = np.unique(queries[order], return_index=True)
        for query, rows in zip(asked, np.split(order, starts[1:]), strict=False):
            found[rows] = index.scores(query[None])[0, passages[rows]]
        return found

    def about(self, collection: Collection) -> Mapping[str, str]:
        return {
            "bm25": f"{self._method}, k1 {self._k1:g}, b {self._b:g}; a passage without a word of the query is no hit",
            "words": "letters, marks and digits, case folded, NFKC; characters and overlapping pairs of them in Han, "
            "kana and Hangul; overlapping triples in Thai, Lao, Myanmar and Khmer; Arabic without vowel signs and "
            "spelling variants",
            **self._terms.notes(collection.languages),
        }

    def notes(self) -> Mapping[str, str]:
        return {}

    def _kept(self, collection: Collection, first: int, last: int, progress: Progress) -> Bm25Index:
        """The index of the passages `first` to `last` - 1; the last one is used again."""
        if self._index is None or self._index[0] is not collection or self._index[1:3] != (first, last):
            self._index = None  # freed before the next is built: never two indexes in memory
            self._index = (collection, first, last, self.index(collection, np.arange(first, last), progress))
        return self._index[3]

    def _words(self, collection: Collection, progress: Progress) -> WordTable:
        """The words of all passages and queries, split once for all indexes of a collection."""
        if self._table is None or self._table[0] is not collection:
            self._table = None
            self._table = (collection, WordTable.of(collection, self._terms, progress))
        return self._table[1]


def _has_numba() -> bool:
    try:
        return importlib.util.find_spec("numba") is not None
    except ValueError:  # the entry in sys.modules is None or a stub
        return False


def _threads() -> int:
    threads: int = import_module("numba").get_num_threads()
    return threads if threads > 1 else 0
