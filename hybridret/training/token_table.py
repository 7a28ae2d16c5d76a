"""Token rows of texts that were seen before: from the second epoch on nothing is tokenised again.

Texts get numbers once, so that a batch is looked up with index arrays and not by hashing 256 strings. Texts in memory
are numbered by their content. Texts on disk (`StoredTexts`) are numbered by their row: none is read before its batch.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Protocol

import numpy as np

from hybridret.base.records import IntArray
from hybridret.data.prepared.stored_texts import StoredTexts
from hybridret.encoders.token_rows import TokenRows
from hybridret.encoders.tokenization import IntArray32

STORED = 1 << 40  # the first number of a text on disk
SLOTS = 1 << 21  # of rows that can be kept; a power of two. Up to so many texts each has a slot of its own


class OnDisk(Protocol):
    """Texts of a file, read when asked."""

    path: Path

    def __len__(self) -> int: ...

    def take(self, indices: IntArray, /) -> list[str | None]: ...


class TokenTable:
    """Rows by number of the text, up to `limit` bytes. A full table keeps its rows and evicts none: every text of an
    epoch comes once in random order, so it does not matter which texts are kept, and eviction would only cost time.
    """

    def __init__(self, tokenise: Callable[[Sequence[str]], list[IntArray32]], limit: int, slots: int = SLOTS) -> None:
        self._tokenise, self._limit, self._most = tokenise, limit, slots
        self._number: dict[str, int] = {}
        self._texts: list[str] = []
        self._files: dict[Path, int] = {}  # the first number of each file
        self._stored: list[tuple[int, OnDisk]] = []  # ascending
        self._next = STORED
        self._ids = np.empty(1024, dtype=np.int32)
        self._used = 0
        self._tags = np.full(1, -1, dtype=np.int64)  # by slot: the number whose row is kept there
        self._starts = np.zeros(1, dtype=np.int64)
        self._lengths = np.zeros(1, dtype=np.int64)

    def numbers(self, texts: Sequence[str | None]) -> IntArray:
        """[n]: a number for each text, the same for equal texts in memory; -1 for None. Nothing is tokenised."""
        found = np.full(len(texts), -1, dtype=np.int64)
        for position, text in enumerate(texts):
            if text is not None:
                found[position] = number = self._number.setdefault(text, len(self._texts))
                if number == len(self._texts):
                    self._texts.append(text)
        self._make_room()
        return found

    def first_number(self, texts: OnDisk) -> int:
        """The number of row 0 of the file of `texts`; row r has that number + r. Nothing is read."""
        path = texts.path.resolve()
        if path not in self._files:
            self._files[path] = self._next
            self._stored.append((self._next, StoredTexts(path) if isinstance(texts, StoredTexts) else texts))
            self._next += len(self._stored[-1][1])
            self._make_room()
        return self._files[path]

    def rows(self, numbers: IntArray) -> TokenRows:
        """[n] numbers to n rows, as `tokenise` gives them; the unknown ones are tokenised in one call."""
        slots = numbers & (len(self._tags) - 1)
        known = self._tags[slots] == numbers
        if known.all():
            return TokenRows(self._ids, self._starts[slots], self._lengths[slots])
        missing = np.unique(numbers[~known])
        fresh = self._tokenise(self._texts_of(missing))
        if self._keep(missing, fresh):
            return TokenRows(self._ids, self._starts[slots], self._lengths[slots])
        rows = dict(zip(missing.tolist(), fresh, strict=True))
        return TokenRows.of([rows[number] if number in rows else self._row(number) for number in numbers.tolist()])

    def _texts_of(self, numbers: IntArray) -> list[str]:
        """The texts of ascending `numbers`."""
        own = int(np.searchsorted(numbers, STORED))
        texts: list[str | None] = [self._texts[number] for number in numbers[:own].tolist()]
        firsts = [first for first, _ in self._stored]
        while own < len(numbers):
            at = bisect_right(firsts, int(numbers[own])) - 1
            first, stored = self._stored[at]
            end = int(np.searchsorted(numbers, first + len(stored)))
            texts += stored.take(numbers[own:end] - first)
            own = end
        if None in texts:
            raise ValueError("the schedule drew a question in a language that it does not exist in")
        return [text for text in texts if text is not None]

    def _keep(self, numbers: IntArray, rows: Sequence[IntArray32]) -> bool:
        """Keep the first rows whose slots are free, as many as there is room for. Whether that was all of them."""
        slots = numbers & (len(self._tags) - 1)
        free = np.flatnonzero(self._tags[slots] == -1)
        free = np.sort(free[np.unique(slots[free], return_index=True)[1]])  # of two that would share a slot the first
        lengths = np.array([len(rows[row]) for row in free.tolist()], dtype=np.int64)
        ends = self._used + np.cumsum(lengths)
        fitting = int(np.searchsorted(ends * self._ids.itemsize, self._limit, side="right"))
        if fitting:
            kept, end = free[:fitting], int(ends[fitting - 1])
            if end > len(self._ids):
                self._ids = np.concatenate([self._ids[: self._used], np.empty(2 * end - self._used, dtype=np.int32)])
            self._ids[self._used : end] = np.concatenate([rows[row] for row in kept.tolist()])
            self._used = end
            self._tags[slots[kept]] = numbers[kept]
            self._starts[slots[kept]] = ends[:fitting] - lengths[:fitting]
            self._lengths[slots[kept]] = lengths[:fitting]
        return fitting == len(rows)

    def _row(self, number: int) -> IntArray32:
        slot = number & (len(self._tags) - 1)
        start = self._starts[slot]
        return self._ids[start : start + self._lengths[slot]]

    def _make_room(self) -> None:
        """A slot for each text, up to the largest number of slots. Kept rows move to their new slots."""
        size = len(self._tags)
        while size < min(len(self._texts) + self._next - STORED, self._most):
            size *= 2
        if size == len(self._tags):
            return
        kept = np.flatnonzero(self._tags >= 0)
        numbers, starts, lengths = self._tags[kept], self._starts[kept], self._lengths[kept]
        self._tags = np.full(size, -1, dtype=np.int64)
        self._starts, self._lengths = (np.zeros(size, dtype=np.int64) for _ in range(2))
        slots = numbers & (size - 1)
        self._tags[slots], self._starts[slots], self._lengths[slots] = numbers, starts, lengths
