"""Files of lines `id TAB text`, as MS MARCO and its translations are published: streamed, in bytes, line by line.

Only a line feed ends a line: U+2028 and the other separators that Python's `splitlines` knows stand inside texts. A
quotation mark is a character like any other.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np

from hybridret.base.errors import UserError
from hybridret.base.records import IntArray
from hybridret.data.lines import decoded, numbered_lines

LONGEST_ID = 18  # digits
TOGETHER = 1 << 16  # lines between two calls of the progress


def chosen_texts(
    file: Path, wanted: IntArray, advance: Callable[[int], object]
) -> tuple[list[str | None], dict[str, int]]:
    """The text of each id in `wanted` [n] (ascending), None where the file has none or an empty one; and counts of
    what was found: `lines`, `empty`, `absent`.

    Lines with other ids are skipped before they are decoded. `advance` gets the number of lines read.

    Raises UserError naming file and line for a line without a tab, an id that is no whole number, an id that stands
    twice, text that is not UTF-8, and an archive that is cut short.
    """
    texts: list[str | None] = [None] * len(wanted)
    largest = int(wanted[-1]) if len(wanted) else -1
    row_of = np.full(largest + 2, -1, dtype=np.int64)
    row_of[wanted] = np.arange(len(wanted))
    seen = np.zeros(largest + 2, dtype=bool)
    line = empty = 0
    for line, number, raw in _rows(file):
        if line % TOGETHER == 0:
            advance(TOGETHER)
        if number > largest or (row := int(row_of[number])) < 0:
            continue
        if seen[number]:
            raise UserError(f"{file}, line {line}: id {number} stands there twice. Fetch the file again.")
        seen[number] = True
        text = decoded(raw, f"{file}, line {line}").strip()
        texts[row] = text or None
        empty += not text
    advance(line % TOGETHER)
    return texts, {"lines": line, "empty": empty, "absent": int((~seen[wanted]).sum())}


def _rows(file: Path) -> Iterator[tuple[int, int, bytes]]:
    """Line number, id and text of every line that is not blank."""
    for line, raw in numbered_lines(file):
        identifier, tab, text = raw.partition(b"\t")
        if not tab:
            raise UserError(f"{file}, line {line}: no tab; expected ID, a tab and the text. Fetch the file again.")
        if not identifier.isdigit() or len(identifier) > LONGEST_ID:
            shown = identifier[:40].decode("utf-8", "replace")
            raise UserError(f"{file}, line {line}: the id {shown!r} is no whole number. Fetch the file again.")
        yield line, int(identifier), text
