"""The ids of a TREC run as numbers, and their positions in a collection."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from hybridret.base.errors import UserError
from hybridret.base.ids import slices
from hybridret.base.records import IntArray
from hybridret.data.lines import decoded


class Names:
    """The different ids of a run, numbered in their order of appearance, with the line where each appears first."""

    def __init__(self, path: Path, what: str) -> None:
        self._path, self._what = path, what
        self._numbers: dict[bytes, int] = {}
        self._lines: list[int] = []

    def __len__(self) -> int:
        return len(self._numbers)

    def number(self, name: bytes, line: int) -> int:
        """The number of an id."""
        known = self._numbers.setdefault(name, len(self._lines))
        if known == len(self._lines):
            self._lines.append(line)
        return known

    def texts(self) -> list[str]:
        """[n]: the ids. Raises UserError for one that is not UTF-8."""
        lines = zip(self._numbers, self._lines, strict=True)
        return [decoded(name, f"{self._path}, line {line}, {self._what} id") for name, line in lines]

    def positions(self, ids: Sequence[str], collection: str) -> IntArray:
        """[n]: the position of each in `ids`, which are read once, in slices. Raises UserError for unknown ones."""
        numbers = {text: number for number, text in enumerate(self.texts())}
        positions = np.full(len(numbers), -1, dtype=np.int64)
        position = 0
        for part in slices(ids):
            for identifier in part:
                if (number := numbers.get(identifier)) is not None:
                    positions[number] = position
                position += 1
        unknown = np.flatnonzero(positions < 0)
        if len(unknown):
            first = int(unknown[0])
            raise UserError(
                f"{self._path}, line {self._lines[first]}: {collection} has no {self._what} {self.texts()[first]!r}"
                f"{f' (nor {len(unknown) - 1} others of the file)' if len(unknown) > 1 else ''}. Read the run with the "
                f"collection that it was made from."
            )
        return positions
