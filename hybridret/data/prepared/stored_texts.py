"""A column of texts on disk: Arrow IPC files, memory-mapped, read a few rows at a time.

A batch of 128 pairs needs 256 texts from anywhere in millions of rows. Arrow's own `take` builds tables for it; here
offsets and bytes of the mapped file are read in place, which takes about a microsecond a text. Nothing is kept in
memory: the pages belong to the file.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any, overload

import numpy as np
from numpy.typing import NDArray

from hybridret.base.errors import UserError
from hybridret.base.records import BoolArray, IntArray

ROWS = 1 << 15  # in each record batch but the last: a row's batch is a shift away
Texts = Sequence[str | None]


def write_texts(path: Path, texts: Iterable[str | None]) -> int:
    """Write `texts` (None: there is none) as the file `path`, and return how many. May raise OSError."""
    import pyarrow as pa

    schema = pa.schema([("text", pa.large_string())])
    count = 0
    with pa.OSFile(str(path), "wb") as sink, pa.ipc.new_file(sink, schema) as writer:
        for part in _parts(texts):
            writer.write_batch(pa.record_batch([pa.array(part, pa.large_string())], schema=schema))
            count += len(part)
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
        self._parts: list[tuple[NDArray[np.int64], memoryview, BoolArray | None]] = []
        self._stored = self._open()

    def _open(self) -> int:
        import pyarrow as pa

        try:
            self._file = pa.memory_map(str(self.path))
            reader = pa.ipc.open_file(self._file)
            batches = [reader.get_batch(number) for number in range(reader.num_record_batches)]
        except (OSError, pa.ArrowInvalid) as error:
            raise UserError(
                f"{self.path} is damaged ({str(error).strip()}). Delete its folder and run again."
            ) from error
        if any(len(batch) != ROWS for batch in batches[:-1]):
            raise UserError(f"{self.path} is damaged: its parts have other lengths. Delete its folder and run again.")
        for batch in batches:
            self._parts.append(_buffers(batch.column(0)))
        return sum(len(batch) for batch in batches)

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

    def take(self, indices: IntArray) -> list[str | None]:
        """The texts at `indices` [n], each in 0 to len - 1."""
        rows = indices if self.rows is None else self.rows[indices]
        found: list[str | None] = []
        parts = self._parts
        for row in rows.tolist():
            offsets, data, valid = parts[row // ROWS]
            at = row % ROWS
            if valid is not None and not valid[at]:
                found.append(None)
            else:
                found.append(str(data[offsets[at] : offsets[at + 1]], "utf-8"))
        return found

    @cached_property
    def present(self) -> BoolArray:
        """[n]: whether there is a text."""
        whole = np.ones(self._stored, dtype=bool)
        for number, (_, _, valid) in enumerate(self._parts):
            if valid is not None:
                whole[number * ROWS : number * ROWS + len(valid)] = valid
        return whole if self.rows is None else whole[self.rows]


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


def _buffers(column: Any) -> tuple[NDArray[np.int64], memoryview, BoolArray | None]:
    """Offsets, bytes, and which rows are there (None: all) of one batch, in place."""
    _, offsets, data = column.buffers()
    valid = column.is_valid().to_numpy(zero_copy_only=False) if column.null_count else None
    bounds = np.frombuffer(offsets, np.int64, len(column) + 1) if offsets is not None else np.zeros(1, np.int64)
    return bounds, memoryview(data) if data is not None else memoryview(b""), valid
