"""Texts as they are compared: NFKC, without case, punctuation as white space, and white space as one space.

Many texts at once, as one array of code points: a loop over letters in Python takes ten times as long.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

from hybridret.base.records import IntArray

CodeArray = NDArray[np.uint32]

_KEPT, _SPACE, _DROPPED, _BORDER = range(4)
_CODES = 0x110000
_ASSIGNED = (*range(0x20000), *range(0xE0000, 0xE0200))  # no punctuation, space or format character stands elsewhere


@dataclass(frozen=True)
class Normalised:
    """`codes` [C]: the code points of n texts, one behind the other; text i is `codes[bounds[i]:bounds[i + 1]]`."""

    codes: CodeArray
    bounds: IntArray

    def __len__(self) -> int:
        return len(self.bounds) - 1

    def of(self, position: int) -> CodeArray:
        """The code points of one text."""
        return self.codes[self.bounds[position] : self.bounds[position + 1]]

    def take(self, positions: IntArray) -> Normalised:
        """The texts at `positions`, in that order."""
        parts = [self.of(position) for position in positions.tolist()]
        bounds = np.cumsum([0, *map(len, parts)], dtype=np.int64)
        return Normalised(np.concatenate(parts) if parts else self.codes[:0], bounds)


def normalised(texts: Sequence[str]) -> Normalised:
    """All `texts` as they are compared. Invisible characters (soft hyphen, joiners, controls) are dropped; combining
    marks stay, since many scripts write vowels with them.
    """
    joined = "\0".join(_folded(text).replace("\0", " ") for text in texts) + "\0"
    codes = np.frombuffer(joined.encode("utf-32-le", "surrogatepass"), dtype=np.uint32)
    kinds = _kinds()[codes]
    seen = kinds != _DROPPED
    codes, kinds = codes[seen], kinds[seen]
    gap = kinds != _KEPT
    before = np.empty_like(gap)
    before[:1], before[1:] = True, gap[:-1]
    kept = ~gap | (kinds == _BORDER) | ~before  # of a run of spaces the first, if no text begins with it
    codes, kinds = codes[kept], kinds[kept]
    trailing = np.zeros(len(codes), dtype=bool)
    trailing[:-1] = (kinds[:-1] == _SPACE) & (kinds[1:] == _BORDER)
    codes, kinds = codes[~trailing], kinds[~trailing]
    letters = kinds != _BORDER
    ends = np.flatnonzero(~letters)[: len(texts)]
    bounds = np.concatenate([[0], ends - np.arange(len(ends))])
    return Normalised(np.where(kinds == _SPACE, np.uint32(32), codes)[letters], bounds)


def _folded(text: str) -> str:
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold())


@cache
def _kinds() -> NDArray[np.uint8]:
    """What becomes of each code point."""
    found = np.full(_CODES, _KEPT, dtype=np.uint8)
    for code in _ASSIGNED:
        letter = chr(code)
        category = unicodedata.category(letter)
        if category[0] in "PZ" or letter.isspace():
            found[code] = _SPACE
        elif category in ("Cc", "Cf"):
            found[code] = _DROPPED
    found[0] = _BORDER
    return found
