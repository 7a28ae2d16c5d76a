"""The texts of prepared data that are translated: queries and passages in one language, each distinct text once.

Questions share passages and datasets share questions, so texts are counted by a hash of 16 bytes each, and nothing but
these is in memory.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from functools import cached_property
from pathlib import Path

import numpy as np

from hybridret.base.errors import UserError, nearest
from hybridret.base.files import read_json
from hybridret.base.records import IntArray
from hybridret.data.prepared.folder import PreparedFolder
from hybridret.data.prepared.stored_texts import StoredTexts

SIDES = ("queries", "passages")


class SourceTexts:
    """The distinct texts of a prepared folder in the language `source`, numbered by first appearance.

    Raises UserError where no dataset has the language.
    """

    def __init__(self, folder: PreparedFolder, source: str) -> None:
        self.folder = folder
        self.files = text_files(folder, source)
        if not self.files:
            known = sorted(languages_of(folder))
            raise UserError(
                f"--from {source}: the data has no texts in it. {nearest(source, known)} Its languages: "
                f"{', '.join(known)}."
            )
        self._columns = [StoredTexts(folder.path / file) for file in self.files]
        self._starts = np.cumsum([0, *map(len, self._columns)])

    def __len__(self) -> int:
        return len(self._first)

    def numbers(self, file: str) -> IntArray:
        """[rows of the file]: the number of each row's text, -1 where there is none."""
        at = self.files.index(file)
        return self._numbers[self._starts[at] : self._starts[at + 1]]

    def take(self, start: int, stop: int) -> list[str]:
        """The texts with the numbers `start` to `stop` - 1."""
        found: dict[int, str] = {}
        wanted = self._first[start:stop]
        for at, column in enumerate(self._columns):
            chosen = np.flatnonzero((wanted >= self._starts[at]) & (wanted < self._starts[at + 1]))
            texts = column.take(wanted[chosen] - self._starts[at])
            found.update((row, str(text)) for row, text in zip(chosen.tolist(), texts, strict=True))
        return [found[row] for row in range(len(wanted))]

    @cached_property
    def fingerprint(self) -> str:
        """A hash of all distinct texts in their order."""
        return hashlib.sha256(self._hashes[self._first].tobytes()).hexdigest()[:16]

    @cached_property
    def _hashes(self) -> np.ndarray[tuple[int], np.dtype[np.bytes_]]:
        """[all rows]: a hash of each text; rows without a text have that of nothing."""
        found = np.zeros(int(self._starts[-1]), dtype="S16")
        for row, text in enumerate(self._all()):
            if text is not None and text.strip():
                found[row] = hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).digest()
        return found

    @cached_property
    def _ordered(self) -> tuple[IntArray, IntArray]:
        """[distinct]: the first row of each text; [all rows]: the number of its text."""
        hashes, first, inverse = np.unique(self._hashes, return_index=True, return_inverse=True)
        there = hashes != b""
        order = np.argsort(np.where(there, first, len(inverse)), kind="stable")
        count = int(there.sum())
        numbers = np.full(len(hashes), -1, dtype=np.int64)
        numbers[order[:count]] = np.arange(count)
        return first[order[:count]].astype(np.int64), numbers[inverse]

    @property
    def _first(self) -> IntArray:
        return self._ordered[0]

    @property
    def _numbers(self) -> IntArray:
        return self._ordered[1]

    def _all(self) -> Iterator[str | None]:
        for column in self._columns:
            yield from column


def pair_folders(folder: PreparedFolder) -> dict[str, list[str]]:
    """Folder name -> its languages, of the training datasets and of the validation pairs."""
    names = [*folder.about["training"], "validation"]
    return {name: list(read_json(folder.path / name / "pairs.json")["languages"]) for name in names}


def languages_of(folder: PreparedFolder) -> set[str]:
    """All languages of the pairs of a folder."""
    return {language for languages in pair_folders(folder).values() for language in languages}


def text_files(folder: PreparedFolder, language: str) -> list[str]:
    """The files with texts in `language`, relative to the folder; folders that share texts have them once."""
    found = []
    for name, languages in pair_folders(folder).items():
        if language in languages:
            paths = [Path(name) / f"{side}.{language}.arrow" for side in SIDES]
            found += [path.as_posix() for path in paths if (folder.path / path).is_file()]
    return found
