"""Translations on disk, in files of a fixed number of texts: what is whole survives a kill, what is not is made again.

A file holds the translations of the texts with the numbers `start` to `stop` - 1, whatever process makes it. It is
there whole or not at all, and has its own checksum.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from pathlib import Path

from hybridret.base.checksums import read_sealed, write_sealed
from hybridret.base.errors import UserError
from hybridret.translation.engines.engine import Translation

_log = logging.getLogger(__name__)
WHAT = "a part of a translation"


class TranslationShards:
    """The files of one target language. `texts`: how many there are; `size`: of them in a file."""

    def __init__(self, folder: Path, texts: int, size: int) -> None:
        self.folder, self._texts, self._size = folder, texts, size

    def spans(self) -> list[tuple[int, int]]:
        """The first text of each file, and the one after its last."""
        return [(start, min(start + self._size, self._texts)) for start in range(0, self._texts, self._size)]

    def missing(self, rank: int = 0, world: int = 1) -> list[tuple[int, int]]:
        """The spans of the files that are not there or not whole: of every `world`-th file from number `rank` on, so
        that processes take them in turn.
        """
        return [span for span in self.spans()[rank::world] if self._read(span) is None]

    def write(self, span: tuple[int, int], translations: Sequence[Translation]) -> None:
        """Write the file of `span`. Raises UserError where it cannot be written."""
        content = {
            "texts": [one.text for one in translations],
            "truncated": [row for row, one in enumerate(translations) if one.truncated],
        }
        write_sealed(self._path(span), content)

    def read(self) -> Iterator[Translation]:
        """All translations in order. Raises UserError where a file is missing or damaged."""
        for span in self.spans():
            found = self._read(span)
            if found is None:
                raise UserError(f"{self._path(span)} is missing or damaged. Run the same command again.")
            yield from found

    def _read(self, span: tuple[int, int]) -> list[Translation] | None:
        path = self._path(span)
        if not path.is_file():
            return None
        try:
            content = read_sealed(path, WHAT)
            truncated = set(content["truncated"])
            found = [Translation(str(text), row in truncated) for row, text in enumerate(content["texts"])]
        except (UserError, KeyError, TypeError) as error:
            _log.warning("%s It is translated again.", error)
            return None
        return found if len(found) == span[1] - span[0] else None

    def _path(self, span: tuple[int, int]) -> Path:
        return self.folder / f"{span[0] // self._size:06d}.json"
