"""Token rows of texts that were seen before: from the second epoch on nothing is tokenised again.

Texts get numbers once, so that a batch is looked up with index arrays and not by hashing 256 strings.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from hybridret.base.records import IntArray
from hybridret.encoders.token_rows import TokenRows
from hybridret.encoders.tokenization import IntArray32


class TokenTable:
    """Rows by number of the text, up to `limit` bytes. When it is full it keeps what it has and forgets nothing: every
    text of an epoch comes once in random order, so which texts are kept does not matter, and evicting would only cost.
    """

    def __init__(self, tokenise: Callable[[Sequence[str]], list[IntArray32]], limit: int) -> None:
        self._tokenise, self._limit = tokenise, limit
        self._number: dict[str, int] = {}
        self._texts: list[str] = []
        self._ids = np.empty(1024, dtype=np.int32)
        self._used = 0
        self._starts = np.empty(0, dtype=np.int64)  # -1: not kept so far
        self._lengths = np.empty(0, dtype=np.int64)

    def numbers(self, texts: Sequence[str | None]) -> IntArray:
        """[n]: a number for each text, the same for equal texts; -1 for None. Nothing is tokenised."""
        found = np.full(len(texts), -1, dtype=np.int64)
        for position, text in enumerate(texts):
            if text is not None:
                found[position] = number = self._number.setdefault(text, len(self._texts))
                if number == len(self._texts):
                    self._texts.append(text)
        fresh = len(self._texts) - len(self._starts)
        self._starts = np.concatenate([self._starts, np.full(fresh, -1, dtype=np.int64)])
        self._lengths = np.concatenate([self._lengths, np.zeros(fresh, dtype=np.int64)])
        return found

    def rows(self, numbers: IntArray) -> TokenRows:
        """[n] numbers to n rows, as `tokenise` gives them; the unknown ones are tokenised in one call."""
        starts = self._starts[numbers]
        if starts.min(initial=0) >= 0:
            return TokenRows(self._ids, starts, self._lengths[numbers])
        missing = np.unique(numbers[starts < 0])
        fresh = self._tokenise([self._texts[number] for number in missing.tolist()])
        if self._keep(missing, fresh):
            return TokenRows(self._ids, self._starts[numbers], self._lengths[numbers])
        known = dict(zip(missing.tolist(), fresh, strict=True))
        return TokenRows.of([known[number] if number in known else self._row(number) for number in numbers.tolist()])

    def _keep(self, numbers: IntArray, rows: Sequence[IntArray32]) -> bool:
        """Keep the first rows, as many as there is room for. Returns whether all were kept."""
        lengths = np.array([len(row) for row in rows], dtype=np.int64)
        ends = self._used + np.cumsum(lengths)
        fitting = int(np.searchsorted(ends * self._ids.itemsize, self._limit, side="right"))
        if fitting:
            end = int(ends[fitting - 1])
            if end > len(self._ids):
                self._ids = np.concatenate([self._ids[: self._used], np.empty(2 * end - self._used, dtype=np.int32)])
            self._ids[self._used : end] = np.concatenate(rows[:fitting])
            self._used = end
            self._starts[numbers[:fitting]] = ends[:fitting] - lengths[:fitting]
            self._lengths[numbers[:fitting]] = lengths[:fitting]
        return fitting == len(rows)

    def _row(self, number: int) -> IntArray32:
        start = self._starts[number]
        return self._ids[start : start + self._lengths[number]]
