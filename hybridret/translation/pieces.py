"""A text in pieces that a translation model can take, and together again.

Models are trained on sentences and lose parts of longer texts. A sentence that is still too long is halved at the mark,
else at the space, else at the character next to its middle, until every piece fits.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from hybridret.data.sentences import split_unicode

MARKS = re.compile(r"(?<=[,;:،؛、，；：—–])\s*(?=\S)")  # a piece may end after one of them
SPACES = re.compile(r"\s+")
JOINED = ("ja", "zh", "yue", "wuu")  # written without spaces between sentences


@dataclass(frozen=True)
class Pieces:
    """The pieces of a text in order, and the white space before each of them and after the last one."""

    texts: tuple[str, ...]
    gaps: tuple[str, ...]

    def joined(self, translations: Sequence[str], target: str) -> str:
        """The translated text: line breaks stay, other gaps become what `target` writes between sentences."""
        usual = "" if target.split("-")[0] in JOINED else " "
        parts = []
        for number, text in enumerate(translations):
            gap = self.gaps[number]
            parts.append("\n" * gap.count("\n") if "\n" in gap else usual if number else "")
            parts.append(text.strip())
        return "".join(parts).strip()


def pieces_of(text: str, language: str, fits: Callable[[str], bool]) -> Pieces:
    """The sentences of `text`, those that do not fit in parts.

    >>> pieces_of("One. Two, three.", "en", lambda piece: len(piece) < 6).texts
    ('One.', 'Two,', 'three', '.')
    """
    ranges = [part for start, end in _lines(text) for part in _sentences(text, start, end, language)]
    parts = [part for start, end in ranges for part in _fitting(text, start, end, fits)]
    edges = [0, *(end for _, end in parts)]
    starts = [*(start for start, _ in parts), len(text)]
    gaps = tuple(text[edge:start] for edge, start in zip(edges, starts, strict=True))
    return Pieces(tuple(text[start:end] for start, end in parts), gaps)


def _lines(text: str) -> list[tuple[int, int]]:
    return [match.span() for match in re.finditer(r"[^\n]+", text)]


def _sentences(text: str, start: int, end: int, language: str) -> list[tuple[int, int]]:
    return [(start + first, start + last) for first, last in split_unicode(text[start:end], language)]


def _fitting(text: str, start: int, end: int, fits: Callable[[str], bool]) -> list[tuple[int, int]]:
    piece = text[start:end]
    if len(piece) < 2 or fits(piece):
        return [(start, end)]
    middle = len(piece) // 2
    for pattern in (MARKS, SPACES):
        breaks = [match.span() for match in pattern.finditer(piece) if match.start() > 0 and match.end() < len(piece)]
        if breaks:
            first, last = min(breaks, key=lambda span: abs(span[0] - middle))
            break
    else:
        first = last = middle
    return [*_fitting(text, start, start + first, fits), *_fitting(text, start + last, end, fits)]
