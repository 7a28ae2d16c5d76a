"""Small edits of a question: one word dropped, two neighbours swapped, a word in Latin letters, a name exchanged.

Words are what spaces separate; in text of scripts that are written without spaces, a word is one character with its
marks.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from hybridret.analysis.pitfalls.names import names_in

DROP, SWAP, TRANSLITERATE, REPLACE = KINDS = ("drop", "swap", "transliterate", "replace")
# Thai and Lao, Myanmar, Khmer, kana, Han: written without spaces.
_UNSPACED = ((0x0E00, 0x0EFF), (0x1000, 0x109F), (0x1780, 0x17FF), (0x3040, 0x30FF), (0x3400, 0x9FFF), (0xF900, 0xFAFF))


@dataclass(frozen=True)
class Edit:
    """`kind` is one of `KINDS`; `before` became `after`, which is empty for a dropped word."""

    kind: str
    before: str
    after: str


def words_of(text: str) -> list[str]:
    """`text` in pieces that join to it: words, and the white space between them.

    >>> words_of("Who won?"), words_of("谁赢了2006?")
    (['Who', ' ', 'won?'], ['谁', '赢', '了', '2006?'])
    """
    pieces: list[str] = []
    last = ""  # the kind of the last piece
    for letter in text:
        kind = "space" if letter.isspace() else "single" if _unspaced(letter) else "word"
        mark = bool(pieces) and last != "space" and unicodedata.category(letter).startswith("M")
        if mark or (kind == last and kind != "single"):
            pieces[-1] += letter
        else:
            pieces.append(letter)
            last = kind
    return pieces


def edits_of(text: str, names: Sequence[str] = ()) -> Iterator[tuple[Edit, str]]:
    """Every text that is one edit away, with the edit, in a fixed order. `names`: of the parallel question, which may
    replace names that it does not have. No text is empty, equal to `text`, or given twice."""
    given = {text, ""}
    for edit, changed in _edits(text, names):
        tidy = " ".join(changed.split())
        if tidy and tidy not in given:
            given.add(tidy)
            yield edit, tidy


def _edits(text: str, names: Sequence[str]) -> Iterator[tuple[Edit, str]]:
    pieces = words_of(text)
    words = [i for i, piece in enumerate(pieces) if not piece.isspace()]
    for i in words:
        yield Edit(DROP, pieces[i], ""), "".join([*pieces[:i], *pieces[i + 1 :]])
    for i, j in pairwise(words):
        swapped = [*pieces[:i], pieces[j], *pieces[i + 1 : j], pieces[i], *pieces[j + 1 :]]
        yield Edit(SWAP, pieces[i] + "".join(pieces[i + 1 : j + 1]), "".join(swapped[i : j + 1])), "".join(swapped)
    for start, end in _runs(pieces):
        word = "".join(pieces[start:end])
        if (latin := in_latin(word)) != word:
            yield Edit(TRANSLITERATE, word, latin), "".join([*pieces[:start], latin, *pieces[end:]])
    own = names_in(text)
    other = [name for name in dict.fromkeys(names) if name not in own]
    for name in dict.fromkeys(own):
        if name not in names:
            for form in other:
                changed = re.sub(rf"(?<!\w){re.escape(name)}(?!\w)", lambda _, form=form: form, text, count=1)  # type: ignore[misc]
                yield Edit(REPLACE, name, form), changed


def in_latin(word: str) -> str:
    """`word` in ASCII letters by the tables of anyascii; unchanged where these have nothing for it."""
    from anyascii import anyascii

    return str(anyascii(word)).strip() or word


def _unspaced(letter: str) -> bool:
    return any(first <= ord(letter) <= last for first, last in _UNSPACED)


def _runs(pieces: Sequence[str]) -> Iterator[tuple[int, int]]:
    """Ranges of neighbouring pieces that no white space separates: single characters have no name of their own."""
    start: int | None = None
    for i, piece in enumerate([*pieces, " "]):
        if piece.isspace():
            if start is not None:
                yield start, i
            start = None
        elif start is None:
            start = i
