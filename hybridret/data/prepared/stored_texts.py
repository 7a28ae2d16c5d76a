"""A column of texts on disk: Arrow IPC files, memory-mapped, read a few rows at a time.

A batch of 128 pairs needs 256 texts from anywhere in millions of rows. Arrow's own `take` builds tables for it; here
offsets and bytes of the mapped file are read in place, which takes about a microsecond a text. Nothing is kept in
memory but 24 bytes for each 32,768 rows: the pages belong to the file.
"""

from __future__ import annotations

import mmap
from collections.abc import Iterable, Iterator, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any, overload

import numpy as np

from hybridret.base.errors import UserError
from hybridret.base.mapped import release
from hybridret.base.records import BoolArray, IntArray
from hybridret.data.lines import Advance, no_progress

ROWS = 1 << 15  # in each record batch but the last: a row's batch is a shift away
UNREAD = -2  # a part whose buffers were not looked up yet
Texts = Sequence[str | None]


def write_texts(path: Path, texts: Iterable[str | None], advance: Advance = no_progress) -> int:
    """Write `texts` (None: there is none) as the file `path`, and return how many. `advance` gets how many more are
    written. May raise OSError.
    """
    import pyarrow as pa

    schema = pa.schema([("text", pa.large_string())])
    count = 0
    with pa.OSFile(str(path), "wb") as sink, pa.ipc.new_file(sink, schema) as writer:
        for part in _parts(texts):
            writer.write_batch(pa.record_batch([pa.array(part, pa.large_string())], schema=schema))
            count += len(part)
            advance(len(part))
    return count


def write_batches(path: Path, batches: Iterable[Any]) -> int:
    """Write Arrow record batches of one column `text`, of `ROWS` rows each but the last, as `write_texts` does."""
    import pyarrow as pa

    schema = pa.schema([("text", pa.large_string())])
    count = 0
    with pa.OSFile(str(path), "wb") as sink, pa.ipc.new_file(sink, schema) as writer:
        for batch in batches:
            writer.write_batch(pa.record_batch([batch.column(0)], schema=schema))
            count += len(batch)
    return count


class StoredTexts(Texts):
    """The texts of a file of `write_texts`, in its order, or those of `rows` [n] in their order.

    Items, slices and `take` give str or None. Can be pickled: it travels as a path and the rows. Raises UserError for a
    file that is not whole.
    """

    def __init__(self, path: Path, rows: IntArray | None = None) -> None:
        self.path, self.rows = Path(path), rows
        self._stored = self._open()

    def _open(self) -> int:
        import pyarrow as pa

        try:
            with open(self.path, "rb") as file:
                mapping = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
            whole = pa.py_buffer(mapping)
            self._reader = pa.ipc.open_file(pa.BufferReader(whole))
            count = self._reader.num_record_batches
            length = len(self._reader.get_batch(count - 1)) if count else 0
        except (OSError, ValueError) as error:  # also ArrowInvalid, and mmap's for an empty file
            raise self._damaged(str(error).strip()) from error
        self._address = whole.address
        self._bytes = memoryview(whole)
        self._octets = np.frombuffer(mapping, np.uint8)
        self._offsets = np.frombuffer(mapping, np.int64, len(mapping) // 8)
        self._parts = np.full((count, 3), UNREAD, dtype=np.int64)
        return max(int(count) - 1, 0) * ROWS + length

    def __reduce__(self) -> tuple[Any, ...]:
        return StoredTexts, (self.path, self.rows)

    @property
    def stored(self) -> int:
        """How many texts the file has, whatever `rows` are."""
        return self._stored

    def __len__(self) -> int:
        return self._stored if self.rows is None else len(self.rows)

    @overload
    def __getitem__(self, index: int) -> str | None: ...

    @overload
    def __getitem__(self, index: slice) -> list[str | None]: ...

    def __getitem__(self, index: int | slice) -> str | list[str | None] | None:
        if isinstance(index, slice):
            return self.take(np.arange(len(self))[index] if index.step not in (None, 1) else _span(index, len(self)))
        return self.take(np.array([range(len(self))[index]]))[0]  # an IndexError for what is out of range

    def __iter__(self) -> Iterator[str | None]:
        for start in range(0, len(self), ROWS):
            yield from self.take(np.arange(start, min(start + ROWS, len(self))))
            self.release()

    def take(self, indices: IntArray) -> list[str | None]:
        """The texts at `indices` [n], each in 0 to len - 1."""
        at, parts = self._located(indices)
        first = parts[:, 0] + at
        bounds = zip(
            (parts[:, 1] + self._offsets[first]).tolist(),
            (parts[:, 1] + self._offsets[first + 1]).tolist(),
            strict=True,
        )
        data = self._bytes
        found: list[str | None] = [str(data[start:end], "utf-8") for start, end in bounds]
        for position in np.flatnonzero(~self._there(at, parts[:, 2])).tolist():
            found[position] = None
        return found

    def holds(self, indices: IntArray) -> BoolArray:
        """[n]: whether there is a text at each of `indices` [n]; none is read."""
        at, parts = self._located(indices)
        return self._there(at, parts[:, 2])

    def release(self) -> None:
        """Give the pages of the file back to the system (see `base.mapped`): for those who read all of it."""
        release(self._octets, self.rows)

    @cached_property
    def present(self) -> BoolArray:
        """[n]: whether there is a text."""
        parts = [self.holds(np.arange(start, min(start + ROWS, len(self)))) for start in range(0, len(self), ROWS)]
        return np.concatenate(parts) if parts else np.zeros(0, dtype=bool)

    def _located(self, indices: IntArray) -> tuple[IntArray, IntArray]:
        """[n] the row of each text in its part, and [n, 3] the buffers of that part (`_locate`)."""
        rows = indices if self.rows is None else self.rows[indices]
        numbers, at = rows // ROWS, rows % ROWS
        parts = self._parts[numbers]
        if (parts[:, 0] == UNREAD).any():
            for number in np.unique(numbers[parts[:, 0] == UNREAD]).tolist():
                self._parts[number] = self._locate(number)
            parts = self._parts[numbers]
        return at, parts

    def _locate(self, number: int) -> tuple[int, int, int]:
        """Where a part has its offsets (in numbers of 8 bytes), its letters and its bits of validity (in bytes, -1: all
        rows are there), counted from the start of the file.
        """
        import pyarrow as pa

        try:
            batch = self._reader.get_batch(number)
        except (OSError, pa.ArrowInvalid) as error:
            raise self._damaged(str(error).strip()) from error
        if number < len(self._parts) - 1 and len(batch) != ROWS:
            raise self._damaged("its parts have other lengths")
        # An empty buffer, as that of rows without any text, has an address anywhere.
        found = [
            one.address - self._address if one is not None and one.size else -1 for one in batch.column(0).buffers()
        ]
        valid, offsets, data = found if batch.column(0).null_count else (-1, *found[1:])
        if offsets % 8 or not 0 <= offsets < len(self._bytes) or data >= len(self._bytes):
            raise self._damaged("its parts are packed")
        return offsets // 8, max(data, 0), valid

    def _there(self, at: IntArray, valid: IntArray) -> BoolArray:
        """[n]: whether the bit of row `at` [n] is set in the bytes that begin at `valid` [n]."""
        found = np.ones(len(at), dtype=bool)
        some = np.flatnonzero(valid >= 0)
        if len(some):
            found[some] = self._octets[valid[some] + (at[some] >> 3)] >> (at[some] & 7) & 1
        return found

    def _damaged(self, reason: str) -> UserError:
        return UserError(f"{self.path} is damaged ({reason}). Delete its folder and run again.")


def _span(index: slice, length: int) -> IntArray:
    return np.arange(*index.indices(length))


def _parts(texts: Iterable[str | None]) -> Iterator[Sequence[str | None]]:
    """`texts` in lists of `ROWS`, the last one shorter."""
    if isinstance(texts, Sequence):
        for start in range(0, len(texts), ROWS):
            yield texts[start : start + ROWS]
        return
    part: list[str | None] = []
    for text in texts:
        part.append(text)
        if len(part) == ROWS:
            yield part
            part = []
    if part:
        yield part
