"""Languages of the rows of a batch: one for all rows, one per row, or two different languages per row."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from hybridret.base.records import BoolArray, IntArray


class Present(Protocol):
    """[Q, L]: whether question q exists in language l; an array, or rows that are read from a file."""

    def __getitem__(self, questions: IntArray, /) -> BoolArray: ...


class Pairing(Protocol):
    """Gives every row its query language and its passage language: [B] question indices -> two [B] language indices."""

    def languages(self, questions: IntArray, random: np.random.Generator) -> tuple[IntArray, IntArray]: ...


@dataclass(frozen=True)
class OneLanguage:
    """All rows, queries and passages, are in one language (mono, en_en)."""

    language: int

    def languages(self, questions: IntArray, random: np.random.Generator) -> tuple[IntArray, IntArray]:
        whole = np.full(len(questions), self.language, dtype=np.int64)
        return whole, whole.copy()


@dataclass(frozen=True)
class SameLanguage:
    """Each row is monolingual; its language is drawn uniformly among those that its question has (x_x).

    `present` [Q, L]: whether question q exists in language l.
    """

    present: Present

    def languages(self, questions: IntArray, random: np.random.Generator) -> tuple[IntArray, IntArray]:
        present = self.present[questions]
        drawn = _nth_language(present, _below(present.sum(axis=1), random.random(len(questions))))
        return drawn, drawn.copy()


@dataclass(frozen=True)
class DifferentLanguages:
    """Each row is an ordered pair of different languages, drawn uniformly among those that its question has (cross)."""

    present: Present

    def rows(self, patterns: BoolArray) -> BoolArray:
        """[P, L]: which languages of questions that exist in those of `patterns` [P, L] can be drawn."""
        rows: BoolArray = patterns & (patterns.sum(axis=1) >= 2)[:, None]
        return rows

    def languages(self, questions: IntArray, random: np.random.Generator) -> tuple[IntArray, IntArray]:
        present = self.present[questions]
        count = present.sum(axis=1)
        query = _below(count, random.random(len(questions)))
        passage = _below(count - 1, random.random(len(questions)))
        passage += passage >= query  # skips the query's own language: all ordered pairs stay equally likely
        return _nth_language(present, query), _nth_language(present, passage)


@dataclass(frozen=True)
class ChosenPairs:
    """Each row is one of P ordered pairs of different languages: of those that its question has, drawn in proportion to
    their weights (cross with `pairs`).

    `present` [Q, L]; `queries` [P] and `passages` [P]: the languages of each pair; `weights` [P], above 0.
    """

    present: Present
    queries: IntArray
    passages: IntArray
    weights: NDArray[np.float64]

    def rows(self, patterns: BoolArray) -> BoolArray:
        """[P, L]: which languages of questions that exist in those of `patterns` [P, L] can be drawn."""
        found = np.zeros_like(patterns)
        for query, passage in zip(self.queries, self.passages, strict=True):
            both = patterns[:, query] & patterns[:, passage]
            found[:, query] |= both
            found[:, passage] |= both
        return found

    def languages(self, questions: IntArray, random: np.random.Generator) -> tuple[IntArray, IntArray]:
        present = self.present[questions]
        reached = np.cumsum((present[:, self.queries] & present[:, self.passages]) * self.weights, axis=1)
        # A double below 1 times a sum never rounds up to it, so one element of the row is above it.
        drawn = (reached > (random.random(len(questions)) * reached[:, -1])[:, None]).argmax(axis=1)
        return self.queries[drawn], self.passages[drawn]


def _below(count: IntArray, uniform: NDArray[np.float64]) -> IntArray:
    """Uniform whole numbers in [0, count), one per row (a double below 1 times a count never rounds up to it)."""
    return (uniform * count).astype(np.int64)


def _nth_language(present: BoolArray, nth: IntArray) -> IntArray:
    """[B, L], [B] -> [B]: the column of the nth (from 0) true value of every row."""
    columns: IntArray = (np.cumsum(present, axis=1) > nth[:, None]).argmax(axis=1)
    return columns
