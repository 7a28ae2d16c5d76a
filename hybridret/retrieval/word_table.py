"""The words of a collection as numbers, for BM25; passages are split into words in a stream.

Only words of the queries can give a score, so only those get a number. All other words of a passage count only in its
length. Document frequencies, lengths and scores are the same to the bit as with the whole vocabulary, and neither the
texts nor the rare words of a large corpus are in memory.
"""

from __future__ import annotations

from array import array
from collections.abc import Callable, Iterator

import numpy as np
from numpy.typing import NDArray

from hybridret.base.progress import Progress
from hybridret.base.records import Collection, IntArray
from hybridret.retrieval.terms import Terms

SLICE = 4096  # passages whose texts are held at a time
OTHER = -1  # any word that occurs in no query

Ids = NDArray[np.int32]


class WordTable:
    """`queries[q]` are the word numbers of query q, repeated words included. Passage p has `lengths[p]` words, of which
    `known[starts[p] : starts[p + 1]]` occur in queries.
    """

    def __init__(self, queries: list[Ids], known: Ids, starts: IntArray, lengths: Ids) -> None:
        self.queries, self.known, self.starts, self.lengths = queries, known, starts, lengths

    @classmethod
    def of(cls, collection: Collection, terms: Terms, progress: Progress) -> WordTable:
        """Split all queries, then all passages with their contexts, `SLICE` texts at a time."""
        languages = collection.languages
        numbers: dict[str, int] = {}
        count = len(collection.passage_ids)
        with progress.task("split into words", count) as advance:
            queries = [
                np.array([numbers.setdefault(one, len(numbers)) for one in terms.of(text, languages[spoken])], np.int32)
                for text, spoken in zip(collection.queries, collection.query_languages.tolist(), strict=True)
            ]
            known, starts, lengths = array("i"), np.zeros(count + 1, dtype=np.int64), np.zeros(count, dtype=np.int32)
            for first in range(0, count, SLICE):
                texts = list(collection.passages[first : first + SLICE])
                if collection.contexts is not None:
                    behind = collection.contexts[first : first + SLICE]
                    texts = [f"{text} {context}" for text, context in zip(texts, behind, strict=True)]
                spoken = collection.passage_languages[first : first + SLICE].tolist()
                for passage, (text, one) in enumerate(zip(texts, spoken, strict=True), start=first):
                    found = terms.of(text, languages[one])
                    known.extend([numbers[word] for word in found if word in numbers])
                    lengths[passage] = len(found)
                    starts[passage + 1] = len(known)
                advance(len(texts))
        return cls(queries, np.array(known, dtype=np.int32), starts, lengths)

    def of_passages(self, passages: IntArray, advance: Callable[[int], None] = lambda count: None) -> PassageWords:
        """The words of the passages [P'] for `bm25s`; `advance` is called with the number of passages just read."""
        sizes = np.diff(self.starts)[passages]
        ends = np.cumsum(sizes)
        positions = np.arange(int(sizes.sum())) + np.repeat(self.starts[passages] - (ends - sizes), sizes)
        return PassageWords(self.known[positions], ends, self.lengths[passages], advance)


class PassageWords:
    """Lists of word numbers 0, 1, ... in the form that `bm25s.BM25.index` takes: `ids` and `vocab`.

    `numbers` [V] ascends: word i of the index is word `numbers[i]` of the table. bm25s iterates over the lists several
    times, so they are made during the iteration and not stored.
    """

    def __init__(self, known: Ids, ends: IntArray, lengths: Ids, advance: Callable[[int], None]) -> None:
        self.numbers, inverse = np.unique(known, return_inverse=True)
        others = bool((np.diff(np.r_[0, ends]) < lengths).any())
        self.numbers = np.r_[self.numbers, OTHER] if others else self.numbers  # last: not for `numbers_of`
        self._words = inverse.astype(np.int32)
        self._ends, self._lengths, self._advance = ends, lengths, advance
        self.vocab = {number: number for number in range(len(self.numbers))}
        self.ids = self

    def __len__(self) -> int:
        return len(self._lengths)

    def __iter__(self) -> Iterator[list[int]]:
        other = len(self.numbers) - 1
        begin = 0
        for first in range(0, len(self), SLICE):
            ends = self._ends[first : first + SLICE]
            flat = self._words[begin : int(ends[-1])].tolist()
            start = 0
            for end, length in zip((ends - begin).tolist(), self._lengths[first : first + SLICE].tolist(), strict=True):
                found = flat[start:end]
                yield found + [other] * (length - len(found))
                start = end
            begin = int(ends[-1])
            self._advance(len(ends))

    def numbers_of(self, query: Ids) -> list[int]:
        """The words of a query (numbers of the table) that occur in these passages, as numbers of the index."""
        table = self.numbers[:-1] if len(self.numbers) and self.numbers[-1] == OTHER else self.numbers
        if not len(table):
            return []
        position = np.minimum(np.searchsorted(table, query), len(table) - 1)
        found: list[int] = position[table[position] == query].tolist()
        return found
