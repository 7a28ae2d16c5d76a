"""Sentence splitters by name: text -> half-open character ranges, one per sentence.

MLQA-R's sentences were never published, so an evaluation on it must choose a splitter; the results name it. `unicode`
follows the sentence rules of Unicode Standard Annex 29 (break after a terminator and its closing marks) with three
exceptions for the full stop; it needs no package. `like_lareqa` is the same without one kind of break that LAReQA's
sentences lack. `pysbd` wraps the package of that name.
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Callable, Sequence
from functools import cache
from itertools import pairwise
from typing import Any, Literal

from hybridret.base.errors import UserError, nearest

Breaks = list[tuple[int, int]]
Splitter = Callable[[str, str], Breaks]  # (text, language code) -> ranges without the white space between sentences

_CLOSING = "\"'”’»›)\\]）］」』】〉》＂＇"
# Terminators that are never used for anything else: a sentence ends there even if no space follows.
_ALWAYS = "。｡！？؟۔।॥။።፧։"
_BOUNDARY = re.compile(
    rf"(?P<always>[{_ALWAYS}])[{_ALWAYS}.!?]*[{_CLOSING}]*\s*"  # 。 । ؟
    rf"|(?P<mark>[.!?…‽]+)[{_CLOSING}]*\s+"  # . ! ? followed by a space
)
_IDEOGRAPHIC = re.compile(rf"[。！？][{_CLOSING}]*\Z")
_LAST_WORD = re.compile(r"[^\W_]+\Z")
_OPENING = "\"'“‘«‹([（「『¿¡„"
# Languages that write ordinals and dates as a number with a full stop ("3. Oktober").
_DOTTED_ORDINALS = frozenset(
    ["bs", "cs", "da", "de", "et", "fi", "fo", "hr", "hu", "is", "lv", "nb", "nn", "no", "pl", "sk", "sl", "sr", "tr"]
)


def split_unicode(text: str, language: str) -> Breaks:
    """Ranges by punctuation. Thai and other scripts without sentence marks give long ranges.

    >>> [text[a:b] for text in ["Dr. J. Doe left. Why?  也许。不！"] for a, b in split_unicode(text, "en")]
    ['Dr.', 'J. Doe left.', 'Why?', '也许。', '不！']
    """
    ordinals = language.split("-")[0] in _DOTTED_ORDINALS
    starts = [0]
    for match in _BOUNDARY.finditer(text):
        if match["mark"] is not None and _continues(text, match["mark"], match.start(), match.end(), ordinals):
            continue
        starts.append(match.end())
    return _ranges(text, starts)


def _continues(text: str, mark: str, stop: int, following: int, ordinals: bool) -> bool:
    """Whether the sentence continues after the full stop or dots at `stop`: a small letter follows, or a single full
    stop comes after an initial, an abbreviation with inner dots ("a.C.") or an ordinal."""
    if mark[-1] in ".…" and text[following : following + 3].lstrip(_OPENING)[:1].islower():
        return True
    if mark != ".":
        return False
    word = _LAST_WORD.search(text[max(0, stop - 20) : stop])
    if word is None:
        return False
    if len(word[0]) == 1 and word[0].isalpha():
        inner = stop >= 2 and text[stop - 2] == "."
        return word[0].isupper() or inner
    return ordinals and word[0].isdigit() and len(word[0]) <= 2


def split_like_lareqa(text: str, language: str) -> Breaks:
    """As `split_unicode`, but no break between 。 and a digit ("。1943 年"), as in XQuAD-R's own breaks for zh."""
    merged: Breaks = []
    for start, end in split_unicode(text, language):
        if merged and merged[-1][1] == start and text[start].isdigit() and _IDEOGRAPHIC.search(text, *merged[-1]):
            merged[-1] = (merged[-1][0], end)
        else:
            merged.append((start, end))
    return merged


def split_pysbd(text: str, language: str) -> Breaks:
    """Ranges by the rules of pysbd; English rules for languages that it does not know (Vietnamese).

    Raises UserError when the package is not installed.
    """
    return _ranges(text, [span.start for span in _segmenter(language.split("-")[0]).segment(text)])


@cache
def _segmenter(language: str) -> Any:
    try:
        with warnings.catch_warnings():
            # Its sources contain invalid escapes: Python warns when it compiles them (SyntaxWarning from 3.12 on).
            warnings.simplefilter("ignore", SyntaxWarning)
            warnings.simplefilter("ignore", DeprecationWarning)
            import pysbd
            from pysbd.languages import LANGUAGE_CODES
    except ImportError as error:
        raise UserError(
            "The sentence splitter 'pysbd' needs the package pysbd: pip install 'hybridret[mlqa]', "
            "or choose splitter=unicode, which needs no package."
        ) from error
    return pysbd.Segmenter(language=language if language in LANGUAGE_CODES else "en", clean=False, char_span=True)


SplitterName = Literal["like_lareqa", "unicode", "pysbd"]
SPLITTERS: dict[str, Splitter] = {
    "like_lareqa": split_like_lareqa,
    "unicode": split_unicode,
    "pysbd": split_pysbd,
}


def splitter(name: str) -> Splitter:
    """The splitter called `name`. Raises UserError, naming the most similar name, if it is unknown."""
    if name not in SPLITTERS:
        raise UserError(f"There is no sentence splitter {name!r}. {nearest(name, SPLITTERS)}")
    return SPLITTERS[name]


def _ranges(text: str, starts: Sequence[int]) -> Breaks:
    """From each start to the next, without white space at the ends: every other character is in exactly one range."""
    edges = [0, *sorted(start for start in starts if 0 < start < len(text)), len(text)]
    found = []
    for start, end in pairwise(edges):
        piece = text[start:end]
        if piece.strip():
            found.append((start + len(piece) - len(piece.lstrip()), start + len(piece.rstrip())))
    return found
