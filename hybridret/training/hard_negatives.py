"""The hard negatives of the rows of a batch: which of them take part in a step, and their numbers in a token table.

They are read in the language of the positive: another language would make them easy to recognise. Where a question has
more than are wanted, they are drawn by seed and step, so that all processes and a resumed run draw the same.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from hybridret.base.records import Batch, IntArray, Negative, ParallelPairs
from hybridret.batching.draw import Purpose, generator
from hybridret.data.prepared.mined import MinedNegatives
from hybridret.data.prepared.stored_pairs import StoredNegatives
from hybridret.training.token_table import TokenTable

Given = tuple[Negative, ...] | IntArray  # texts with their groups, or rows of a file
ON_DISK = (MinedNegatives, StoredNegatives)


class HardNegatives:
    """Those of one dataset. `most`: the largest number for a question in a step; None: all."""

    def __init__(self, table: TokenTable, pairs: ParallelPairs, most: int | None = None, seed: int = 0) -> None:
        self._table, self._most, self._seed = table, most, seed
        self._columns = [pairs.negatives.get(language) for language in pairs.languages] if most != 0 else []
        self._first = [
            table.first_number(column.texts) if isinstance(column, ON_DISK) else None for column in self._columns
        ]

    def of(self, batch: Batch) -> DrawnNegatives | None:
        """Those of a batch; None where the dataset has none at all."""
        if not any(column is not None for column in self._columns):
            return None
        positives = zip(batch.questions.tolist(), batch.passage_languages.tolist(), strict=True)
        given = self._fewer([self._given(question, language) for question, language in positives], batch.step)
        languages = batch.passage_languages.tolist()
        groups = [self._groups(one, language) for one, language in zip(given, languages, strict=True)]
        return DrawnNegatives(self._table, given, [self._first[language] for language in languages], groups)

    def _given(self, question: int, language: int) -> Given:
        column = self._columns[language]
        if isinstance(column, ON_DISK):
            return column.rows_of(question)
        return () if column is None else column[question]

    def _groups(self, given: Given, language: int) -> IntArray:
        column = self._columns[language]
        if isinstance(given, tuple):
            return np.array([one.group for one in given], dtype=np.int64)
        assert isinstance(column, ON_DISK)
        return column.groups_of(given)

    def _fewer(self, given: list[Given], step: int) -> list[Given]:
        """At most `most` of each, in their order. The draw of a row does not depend on what the others have."""
        widest = max(map(len, given), default=0)
        if self._most is None or widest <= self._most:
            return given
        keys = generator(self._seed, Purpose.NEGATIVES, step).random((widest, len(given)))
        return [self._drawn(one, keys[:, row]) for row, one in enumerate(given)]

    def _drawn(self, given: Given, keys: np.ndarray[tuple[int, ...], np.dtype[np.float64]]) -> Given:
        chosen = np.sort(np.argsort(keys[: len(given)], kind="stable")[: self._most])
        return tuple(given[one] for one in chosen.tolist()) if isinstance(given, tuple) else given[chosen]


class DrawnNegatives:
    """The hard negatives of B rows. `groups`: for each row the passage groups of its negatives."""

    def __init__(
        self, table: TokenTable, given: Sequence[Given], first: Sequence[int | None], groups: Sequence[IntArray]
    ) -> None:
        self._table, self._given, self._first, self.groups = table, given, first, groups

    def groups_of(self, rows: IntArray) -> IntArray:
        """The groups of all negatives of the rows, row by row."""
        return np.concatenate([np.zeros(0, dtype=np.int64), *(self.groups[row] for row in rows.tolist())])

    def numbers(self, rows: IntArray) -> IntArray:
        """The numbers in the token table of all negatives of the rows, row by row. Those on disk are read later; mined
        ones share their numbers with the positives.
        """
        found = [np.zeros(0, dtype=np.int64)]
        for row in rows.tolist():
            given, first = self._given[row], self._first[row]
            if isinstance(given, tuple):
                found.append(self._table.numbers([one.text for one in given]))
            else:
                assert first is not None
                found.append(given + first)
        return np.concatenate(found)
