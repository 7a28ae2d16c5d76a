"""Texts and ids of large tables as sequences that are read from disk on access.

A `Column` behaves like a list of strings but holds none in memory: slices are read from memory-mapped Arrow, so that
the 33 million passages of English MIRACL need no memory.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import accumulate
from typing import Any, overload

import numpy as np

from hybridret.base.records import IntArray

BATCH = 1 << 12  # rows read at a time in an iteration


@dataclass(frozen=True)
class _Piece:
    """Rows of one dataset, in arrow format, and the rule that turns a row into a text."""

    dataset: Any
    fields: tuple[str, ...]
    strip: bool
    prefix: str

    def texts(self, rows: slice | list[int]) -> list[str]:
        table = self.dataset[rows]
        columns = [table.column(field).to_pylist() for field in self.fields]
        texts = joined(columns) if self.strip else columns[0]
        return [self.prefix + text for text in texts] if self.prefix else texts

    def blank(self) -> int:
        """The number of rows whose fields are all "": only the offsets of the texts are read."""
        import pyarrow.compute as compute

        found = 0
        for start in range(0, len(self.dataset), BATCH * 32):
            table = self.dataset[start : start + BATCH * 32]
            lengths = sum(compute.binary_length(table.column(field)).to_numpy() for field in self.fields)
            found += int(np.count_nonzero(lengths == 0))
        return found


def joined(columns: Sequence[Sequence[str]]) -> list[str]:
    """One text for each row of `columns`: its fields, stripped and joined with one space, empty ones left out.

    >>> joined([["A title ", ""], ["the text", " alone"]])
    ['A title the text', 'alone']
    """
    parts = ([text.strip() for text in column] for column in columns)
    return [" ".join(filter(None, row)) for row in zip(*parts, strict=True)]


class Column(Sequence[str]):
    """The texts of a `datasets.Dataset`: named columns, stripped and joined with one space, empty ones left out.

    dataset: its columns are strings without null, as in tables of `hybridret.data.arrow_table.read_table`.
    fields: the columns that make one text.
    strip: False leaves the single field unchanged, for ids, which must equal those of other files.

    Items, slices and `take` read only their own rows; an iteration reads in batches. A column can be pickled: a
    memory-mapped dataset is pickled as the path of its file.
    """

    def __init__(self, dataset: Any, fields: Sequence[str] = ("title", "text"), strip: bool = True) -> None:
        if not strip and len(fields) != 1:
            raise ValueError(f"only a single field can be read as it stands, not {list(fields)}")
        self._set((_Piece(dataset.with_format("arrow"), tuple(fields), strip, ""),))

    def _set(self, pieces: tuple[_Piece, ...]) -> None:
        self._pieces = pieces
        self._ends = list(accumulate(len(piece.dataset) for piece in pieces))

    @classmethod
    def of_parts(cls, parts: Sequence[Sequence[str]], prefixes: Sequence[str] | None = None) -> Column:
        """The parts one after the other, as one column; a part may be a list. `prefixes`: one per part."""
        pieces: list[_Piece] = []
        for part, prefix in zip(parts, prefixes or [""] * len(parts), strict=True):
            own = part._pieces if isinstance(part, Column) else _in_memory(part)
            pieces += [replace(piece, prefix=prefix + piece.prefix) for piece in own]
        column = cls.__new__(cls)
        column._set(tuple(pieces))
        return column

    def __len__(self) -> int:
        return self._ends[-1] if self._ends else 0

    @overload
    def __getitem__(self, index: int) -> str: ...

    @overload
    def __getitem__(self, index: slice) -> list[str]: ...

    def __getitem__(self, index: int | slice) -> str | list[str]:
        if not isinstance(index, slice):
            return self.take(np.array([range(len(self))[index]]))[0]  # IndexError if out of range
        rows = range(len(self))[index]
        if rows.step != 1:
            return self.take(np.array(rows, dtype=np.int64))
        texts: list[str] = []
        for piece, end in zip(self._pieces, self._ends, strict=True):
            first = end - len(piece.dataset)
            start, stop = max(rows.start, first), min(rows.stop, end)
            if start < stop:
                texts += piece.texts(slice(start - first, stop - first))
        return texts

    def take(self, indices: IntArray) -> list[str]:
        """The texts of rows [n], in the order of `indices`, which may repeat a row. Raises IndexError."""
        wanted = np.asarray(indices, dtype=np.int64)
        if len(wanted) and (wanted.min() < 0 or wanted.max() >= len(self)):
            raise IndexError(f"rows {wanted.min()} to {wanted.max()} of a column of {len(self)}")
        texts: list[str] = [""] * len(wanted)
        order = np.argsort(wanted, kind="stable")  # rows in their order on disk
        position = 0
        while position < len(order):
            number = bisect_right(self._ends, int(wanted[order[position]]))
            last = int(np.searchsorted(wanted, self._ends[number], sorter=order))
            first = self._ends[number] - len(self._pieces[number].dataset)
            rows = order[position:last].tolist()
            found = self._pieces[number].texts((wanted[order[position:last]] - first).tolist())
            for row, text in zip(rows, found, strict=True):
                texts[row] = text
            position = last
        return texts

    def __iter__(self) -> Iterator[str]:
        for start in range(0, len(self), BATCH):
            yield from self[start : start + BATCH]

    def count_blank(self) -> int:
        """The number of empty texts. Exact for tables of `read_table`, where texts of white space only are ""."""
        return sum(piece.blank() for piece in self._pieces)


def _in_memory(texts: Sequence[str]) -> tuple[_Piece, ...]:
    from datasets import Dataset

    return (_Piece(Dataset.from_dict({"text": list(texts)}).with_format("arrow"), ("text",), False, ""),)
