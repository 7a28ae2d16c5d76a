"""The questions of one dataset as streams draw them: in memory, or, of a large prepared dataset, in its files."""

from __future__ import annotations

from typing import Protocol

import numpy as np

from hybridret.base.records import BoolArray, IntArray, ParallelPairs
from hybridret.batching.mapped_streams import MappedStream, make_mapped_stream
from hybridret.batching.pairing import Pairing, Present
from hybridret.batching.streams import Stream, group_codes, make_stream
from hybridret.data.prepared.question_sets import QuestionSets
from hybridret.data.prepared.stored_pairs import StoredPairs

LARGE = 1 << 18  # questions from which on their arrays stay in files: below, they take a few megabytes of memory


class Questions(Protocol):
    """The questions of one dataset. `patterns` [P, L]: combinations of languages, `counts` [P]: how many questions have
    each; `present`: row q holds the languages of question q.
    """

    patterns: BoolArray
    counts: IntArray

    @property
    def present(self) -> Present: ...

    def stream(
        self, key: tuple[int, int], usable: BoolArray, batch_size: int, pairing: Pairing
    ) -> Stream | MappedStream | None:
        """The stream over the questions of the patterns where `usable` [P] is true; None if they cannot fill a
        batch."""
        ...

    def passages(self, usable: BoolArray) -> int:
        """How many passage groups the questions of the patterns have where `usable` [P] is true."""
        ...


class InMemory:
    """Each question is a pattern of its own."""

    def __init__(self, pairs: ParallelPairs) -> None:
        self.patterns = self.present = np.asarray(pairs.present)
        self.counts = np.ones(len(pairs), dtype=np.int64)
        self._groups = group_codes(pairs)

    def stream(self, key: tuple[int, int], usable: BoolArray, batch_size: int, pairing: Pairing) -> Stream | None:
        return make_stream(key, usable, self._groups, batch_size, pairing)

    def passages(self, usable: BoolArray) -> int:
        return len(np.unique(self._groups[usable]))


class InFiles:
    """What was found when the data were prepared."""

    def __init__(self, sets: QuestionSets) -> None:
        self._sets = sets
        self.patterns, self.counts = sets.patterns, sets.counts

    @property
    def present(self) -> Present:
        return self._sets.present

    def stream(self, key: tuple[int, int], usable: BoolArray, batch_size: int, pairing: Pairing) -> MappedStream | None:
        return make_mapped_stream(key, self._sets, usable, batch_size, pairing)

    def passages(self, usable: BoolArray) -> int:
        return self._sets.of(usable).passages


def questions_of(pairs: ParallelPairs) -> Questions:
    """The questions of `pairs`. Both kinds give the same streams."""
    if isinstance(pairs, StoredPairs) and len(pairs) >= LARGE and pairs.sets is not None:
        return InFiles(pairs.sets)
    return InMemory(pairs)
