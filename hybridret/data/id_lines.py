"""Files of lines `id TAB text`, as MS MARCO and its translations are published: streamed, in bytes, line by line.

Only a line feed ends a line: U+2028 and the other separators that Python's `splitlines` knows stand inside texts. A
quotation mark is a character like any other.
"""

from __future__ import annotations

import mmap
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import IO, overload

import numpy as np

from hybridret.base.errors import UserError
from hybridret.base.records import IntArray
from hybridret.base.scratch import scratch_file
from hybridret.data.lines import decoded, numbered_lines

LONGEST_ID = 18  # digits


class ChosenTexts(Sequence[str | None]):
    """Texts in the order of the ids that were asked for, read from an unnamed file that has them in the order of the
    lines: only where each one begins and ends, 16 bytes, is in memory. None where there is no text.
    """

    def __init__(self, file: IO[bytes], begins: IntArray, ends: IntArray) -> None:
        self._begins, self._ends = begins, ends
        file.flush()
        size = file.tell()
        self._data = mmap.mmap(file.fileno(), size, access=mmap.ACCESS_READ) if size else b""
        file.close()

    def __len__(self) -> int:
        return len(self._begins)

    @overload
    def __getitem__(self, index: int) -> str | None: ...

    @overload
    def __getitem__(self, index: slice) -> list[str | None]: ...

    def __getitem__(self, index: int | slice) -> str | list[str | None] | None:
        if isinstance(index, slice):
            bounds = zip(self._begins[index].tolist(), self._ends[index].tolist(), strict=True)
            return [self._data[begin:end].decode() if begin < end else None for begin, end in bounds]
        row = range(len(self))[index]
        return self[row : row + 1][0]


def chosen_texts(
    file: Path, wanted: IntArray, advance: Callable[[int], object], folder: Path | None = None
) -> tuple[ChosenTexts, dict[str, int]]:
    """The text of each id in `wanted` [n] (ascending), None where the file has none or an empty one; and counts of
    what was found: `lines`, `empty`, `absent`.

    Lines with other ids are skipped before they are decoded. `advance` gets the number of bytes read. The texts lie in
    an unnamed file in `folder`, by default in the cache folder, as long as somebody looks at them.

    Raises UserError naming file and line for a line without a tab, an id that is no whole number, an id that stands
    twice, text that is not UTF-8, and an archive that is cut short. OSError where the disk is full.
    """
    begins, ends = np.zeros(len(wanted), dtype=np.int64), np.zeros(len(wanted), dtype=np.int64)
    largest = int(wanted[-1]) if len(wanted) else -1
    row_of = np.full(largest + 2, -1, dtype=np.int64)
    row_of[wanted] = np.arange(len(wanted))
    seen = np.zeros(largest + 2, dtype=bool)
    line = empty = written = 0
    with scratch_file(folder) as kept:
        for line, number, raw in _rows(file, advance):
            if number > largest or (row := int(row_of[number])) < 0:
                continue
            if seen[number]:
                raise UserError(f"{file}, line {line}: id {number} stands there twice. Fetch the file again.")
            seen[number] = True
            text = decoded(raw, f"{file}, line {line}").strip().encode()
            begins[row], ends[row] = written, written + len(text)
            written += kept.write(text)
            empty += not text
        texts = ChosenTexts(kept, begins, ends)
    return texts, {"lines": line, "empty": empty, "absent": int((~seen[wanted]).sum())}


def _rows(file: Path, advance: Callable[[int], object]) -> Iterator[tuple[int, int, bytes]]:
    """Line number, id and text of every line that is not blank."""
    for line, raw in numbered_lines(file, advance):
        identifier, tab, text = raw.partition(b"\t")
        if not tab:
            raise UserError(f"{file}, line {line}: no tab; expected ID, a tab and the text. Fetch the file again.")
        if not identifier.isdigit() or len(identifier) > LONGEST_ID:
            shown = identifier[:40].decode("utf-8", "replace")
            raise UserError(f"{file}, line {line}: the id {shown!r} is no whole number. Fetch the file again.")
        yield line, int(identifier), text
