"""The numbers of a dataset's texts in a token table, looked up by language and question."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import cast

import numpy as np

from hybridret.base.records import IntArray, ParallelPairs
from hybridret.data.prepared.stored_texts import StoredTexts
from hybridret.training.token_table import TokenTable


class TextNumbers:
    """Numbers in `table` of the texts of one side, `pairs.queries` or `pairs.passages`.

    Texts in memory are numbered at once, [L, Q]. Texts on disk need one number per language: that of the first row of
    its file; nothing is read, and no array grows with the data.
    """

    def __init__(self, table: TokenTable, pairs: ParallelPairs, texts: Mapping[str, Sequence[str | None]]) -> None:
        columns = [texts[language] for language in pairs.languages]
        self._rows: list[IntArray | None] = []
        if columns and all(isinstance(one, StoredTexts) for one in columns):
            stored = cast(list[StoredTexts], columns)
            self._rows = [one.rows for one in stored]
            self._first = np.array([table.first_number(one) for one in stored], dtype=np.int64)
        else:
            found = np.array([table.numbers(one) for one in columns], dtype=np.int64)
            self._numbers = found.reshape(len(pairs.languages), len(pairs))

    def at(self, languages: IntArray, questions: IntArray) -> IntArray:
        """[n]: the numbers of `questions` [n] in `languages` [n], indices into those of the pairs; -1 where a text in
        memory does not exist.
        """
        if not self._rows:
            return self._numbers[languages, questions]
        rows = self._rows[0]  # all languages share the rows of their questions
        return self._first[languages] + (questions if rows is None else rows[questions])
