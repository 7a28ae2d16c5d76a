"""Languages of the rows of a batch: one for all rows, one per row, or two different languages per row."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from hybridret.base.records import BoolArray, IntArray


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

    present: BoolArray

    def languages(self, questions: IntArray, random: np.random.Generator) -> tuple[IntArray, IntArray]:
        present = self.present[questions]
        drawn = _nth_language(present, _below(present.sum(axis=1), random.random(len(questions))))
        return drawn, drawn.copy()


@dataclass(frozen=True)
class DifferentLanguages:
    """Each row is an ordered pair of different languages, drawn uniformly among those that its question has (cross)."""

    present: BoolArray

    def languages(self, questions: IntArray, random: np.random.Generator) -> tuple[IntArray, IntArray]:
        present = self.present[questions]
        count = present.sum(axis=1)
        query = _below(count, random.random(len(questions)))
        passage = _below(count - 1, random.random(len(questions)))
        passage += passage >= query  # skips the query's own language: all ordered pairs stay equally likely
        return _nth_language(present, query), _nth_language(present, passage)


def _below(count: IntArray, uniform: NDArray[np.float64]) -> IntArray:
    """Uniform whole numbers in [0, count), one per row (a double below 1 times a count never rounds up to it)."""
    return (uniform * count).astype(np.int64)


def _nth_language(present: BoolArray, nth: IntArray) -> IntArray:
    """[B, L], [B] -> [B]: the column of the nth (from 0) true value of every row."""
    columns: IntArray = (np.cumsum(present, axis=1) > nth[:, None]).argmax(axis=1)
    return columns
