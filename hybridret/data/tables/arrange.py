"""Texts of parts, brought into the order of their numbers on disk, in memory that does not grow with them.

They are dealt out to files of neighbouring numbers first; each of these is then small enough to be sorted in memory.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import numpy as np

from hybridret.base.records import IntArray
from hybridret.data.prepared.stored_texts import ROWS

FILES = 250  # most files that are open at a time


class Targets:
    """A stream of (source, target) numbers, ascending by source, that is read up to a bound."""

    def __init__(self, batches: Iterable[Any]) -> None:
        self._batches = iter(batches)
        self._sources = self._targets = np.empty(0, dtype=np.int64)
        self._open = True

    def below(self, bound: int) -> tuple[IntArray, IntArray]:
        """All that is left with a source below `bound`."""
        sources, targets = [], []
        while True:
            end = int(np.searchsorted(self._sources, bound))
            sources.append(self._sources[:end])
            targets.append(self._targets[:end])
            self._sources, self._targets = self._sources[end:], self._targets[end:]
            if len(self._sources) or not self._open:
                return np.concatenate(sources), np.concatenate(targets)
            batch = next(self._batches, None)
            if batch is None:
                self._open = False
            else:
                self._sources = batch.column("n").to_numpy().astype(np.int64)
                self._targets = batch.column("r").to_numpy().astype(np.int64)


def arranged(
    batches: Iterable[tuple[int, Any]], targets: Iterable[Any], count: int, folder: Path, lacking: Any
) -> Iterator[Any]:
    """Record batches of `ROWS` rows (the last one shorter) in the order of 0 to count - 1.

    batches: the number of its first row, and a record batch, ascending.
    targets: batches of `n` and `r`: row n becomes row r.
    lacking: one row, for numbers that no row becomes.
    folder: for files that are deleted again; what a killed process left there goes, too.
    """
    import pyarrow as pa

    width = ROWS * max(1, -(-count // (ROWS * FILES)))
    cursor = Targets(targets)
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    try:
        with ExitStack() as stack:
            writers: dict[int, Any] = {}
            for first, batch in batches:
                sources, rows = cursor.below(first + len(batch))
                if not len(rows):
                    continue
                order = np.argsort(rows, kind="stable")
                rows = rows[order]
                taken = batch.take(pa.array(sources[order] - first))
                numbers = rows // width
                starts = np.flatnonzero(np.diff(numbers, prepend=-1))
                for start, end in zip(starts.tolist(), [*starts[1:].tolist(), len(rows)], strict=True):
                    part = taken.slice(start, end - start).append_column("r", pa.array(rows[start:end]))
                    number = int(numbers[start])
                    if number not in writers:
                        file = stack.enter_context(pa.OSFile(str(folder / f"{number}"), "wb"))
                        writers[number] = stack.enter_context(pa.ipc.new_stream(file, part.schema))
                    writers[number].write_batch(part)
        for number in range(-(-count // width)):
            yield from _sorted(folder / f"{number}", number * width, min(width, count - number * width), lacking)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _sorted(path: Path, first: int, count: int, lacking: Any) -> Iterator[Any]:
    import pyarrow as pa

    names = lacking.schema.names
    parts = [pa.Table.from_batches([lacking])]
    rows = np.empty(0, dtype=np.int64)
    if path.is_file():
        with pa.OSFile(str(path)) as file, pa.ipc.open_stream(file) as reader:
            found = reader.read_all()
        path.unlink()
        rows = found.column("r").to_numpy() - first
        parts.append(found.select(names).cast(lacking.schema))
    table = pa.concat_tables(parts).combine_chunks()
    where = np.zeros(count, dtype=np.int64)  # row 0 is what is lacking
    where[rows] = np.arange(1, len(rows) + 1)
    for start in range(0, count, ROWS):
        yield table.take(pa.array(where[start : start + ROWS])).combine_chunks().to_batches()[0]
