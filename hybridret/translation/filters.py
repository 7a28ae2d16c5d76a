"""Filters of translations: pure functions of the source text, the translation and the two languages.

Each says whether a pair is bad. Their precision and recall on real pairs, and how they were measured, are in
docs/translation.md; thresholds were chosen there.
"""

from __future__ import annotations

import re
import unicodedata
import zlib
from collections import Counter
from collections.abc import Callable, Sequence
from itertools import pairwise

import numpy as np

from hybridret.base.errors import UserError, nearest
from hybridret.base.languages import script_of
from hybridret.translation.engines.engine import Translation
from hybridret.translation.language_check import is_other_language

Filter = Callable[[str, str, str, str], bool]  # (source text, translation, source language, target language) -> bad

# Characters that a text has in a script, where the same text in Latin script has one.
DENSITY = {"Hans": 0.33, "Hant": 0.33, "Jpan": 0.45, "Kore": 0.5}
RATIO, SLACK = 2.0, 12  # of lengths in Latin characters; a difference below the slack is none
REPEATS, PERIOD, REPEATED_SHARE = 4, 200, 0.3  # of a loop: times in a row, characters at most, share of the text
WORDS = re.compile(r"[^\W_]+")
NUMBERS = re.compile(r"\d+(?:[.,\u066b\u066c'’\u00a0\u202f ]\d{3}(?!\d))*")
ORDINALS = re.compile(r"\b\d+(?:st|nd|rd|th|s)\b")  # English: 19th century, the 1980s; often written out elsewhere
LOST_NUMBERS, SHORT = 0.34, 200  # the share of numbers that may be missing; a longer text may lack one in any case
NAMES, LOST_NAMES = 6, 0.9  # fewer names are not judged; the share that may be missing
LARGE_NOUNS, OWN_NAMES = ("de", "lb"), ("vi",)  # all nouns begin large; towns and countries have other names
END = ".!?…。．！？।॥؟۔;:\"'”’»)）」』】]〉》"
WITHOUT_END = ("th", "lo", "km", "my")  # write no mark at the end of a sentence
COPIED = 0.75  # share of the words


def is_empty(source: str, translation: str, origin: str, target: str) -> bool:
    """No letter and no digit, where the source has some."""
    return not any(map(str.isalnum, translation))


def is_copied(source: str, translation: str, origin: str, target: str) -> bool:
    """The source text itself, or most of its words in their order. Up to two words may be a name."""
    theirs, own = _words(source), _words(translation)
    if len(theirs) < 3:
        return False
    if theirs == own:
        return True
    pairs = Counter(pairwise(theirs))
    common = sum((pairs & Counter(pairwise(own))).values())
    return common > COPIED * max(3, len(theirs) - 1)


def has_other_language(source: str, translation: str, origin: str, target: str) -> bool:
    """See `is_other_language`."""
    return is_other_language(translation, target)


def has_other_length(source: str, translation: str, origin: str, target: str) -> bool:
    """More than twice as long or as short as expected between the two scripts."""
    expected, own = _latin_length(source, origin), _latin_length(translation, target)
    short, long = sorted((expected, own))
    return long - short > SLACK and long > RATIO * short


def is_repetitive(source: str, translation: str, origin: str, target: str) -> bool:
    """A loop: something that stands four times in a row or more and fills a good part of the text, unless the source
    has one, too; or a long text that packs much better than its source.
    """
    if _looped(translation) > REPEATED_SHARE > _looped(source):
        return True
    return len(translation) > 200 and _packed(translation) < 0.5 * min(0.5, _packed(source))


def lost_digits(source: str, translation: str, origin: str, target: str) -> bool:
    """More than a third of the numbers of the source are not in the translation. Digits of all scripts count, and
    groups of thousands; single digits and ordinals may become words.
    """
    wanted = Counter(number for number in _numbers(ORDINALS.sub(" ", source)) if len(number) > 1)
    lost = sum((wanted - Counter(_numbers(translation))).values())
    return lost > LOST_NUMBERS * sum(wanted.values()) and (lost > 1 or len(source) < SHORT)


def lost_names(source: str, translation: str, origin: str, target: str) -> bool:
    """Nearly all names of the source are missing, between two languages of Latin script that write only names large.

    A name is a word with a capital letter inside a sentence; it counts as found where its first four letters are.
    """
    if script_of(origin) != "Latn" or script_of(target) != "Latn" or origin.split("-")[0] in LARGE_NOUNS:
        return False
    if target.split("-")[0] in OWN_NAMES:
        return False
    names = set(re.findall(r"(?<=[^\W\d_,;] )[^\W\d_a-z][\w’'-]{2,}", source))
    names = {_folded(name)[:4] for name in names if name[0].isupper()}
    if len(names) < NAMES:
        return False
    starts = {word[:4] for word in _words(translation)}
    return sum(name not in starts for name in names) > LOST_NAMES * len(names)


def is_truncated(source: str, translation: str, origin: str, target: str) -> bool:
    """The source ends with a mark, the translation with a letter or a comma, and is shorter than expected."""
    if {origin.split("-")[0], target.split("-")[0]} & {*WITHOUT_END}:
        return False
    ended = source.rstrip()[-1:] in END and translation.rstrip()[-1:] not in END
    return ended and _latin_length(translation, target) < 0.8 * _latin_length(source, origin)


FILTERS: dict[str, Filter] = {
    "empty": is_empty,
    "copied": is_copied,
    "language": has_other_language,
    "length": has_other_length,
    "repetition": is_repetitive,
    "truncated": is_truncated,
    "digits": lost_digits,
    "names": lost_names,
}


def chosen_filters(without: Sequence[str]) -> dict[str, Filter]:
    """All filters but those of `without`. Raises UserError for an unknown name, and for `empty`, which stays."""
    for name in without:
        if name not in FILTERS or name == "empty":
            raise UserError(
                f"--without {name}: there is no such filter to leave out. {nearest(name, set(FILTERS) - {'empty'})}"
            )
    return {name: one for name, one in FILTERS.items() if name not in without}


def fault(source: str, found: Translation, origin: str, target: str, filters: dict[str, Filter]) -> str | None:
    """The name of the first filter that a translation does not pass, None where it passes all. What the model itself
    did not end counts as truncated.
    """
    for name, is_bad in filters.items():
        if (name == "truncated" and found.truncated) or is_bad(source, found.text, origin, target):
            return name
    return None


def _words(text: str) -> list[str]:
    return WORDS.findall(_folded(text))


def _folded(text: str) -> str:
    plain = unicodedata.normalize("NFKD", text.casefold())
    return "".join(character for character in plain if not unicodedata.combining(character))


def _latin_length(text: str, language: str) -> float:
    return len("".join(text.split())) / DENSITY.get(script_of(language), 1.0)


def _numbers(text: str) -> list[str]:
    """The numbers of a text in ASCII digits, without marks between thousands."""
    found = []
    for number in NUMBERS.findall(text):
        digits = [str(unicodedata.digit(one)) for one in number if one.isdigit()]
        found.append("".join(digits))
    return found


def _looped(text: str) -> float:
    """The share of a text that is one part, of up to `PERIOD` characters, four times or more in a row."""
    codes = np.frombuffer(text.encode("utf-32-le", "surrogatepass"), np.uint32)
    longest = 0
    for period in range(1, min(PERIOD, len(codes) // REPEATS) + 1):
        same = codes[period:] == codes[:-period]
        wanted = max((REPEATS - 1) * period, longest - period)
        if np.count_nonzero(same) < wanted:
            continue
        edges = np.flatnonzero(np.diff(np.concatenate(([False], same, [False]))))
        starts, lengths = edges[::2], edges[1::2] - edges[::2]
        for start, length in zip(starts[lengths >= wanted].tolist(), lengths[lengths >= wanted].tolist(), strict=True):
            if any(map(str.isalpha, text[start : start + period])):
                longest = max(longest, length + period)
    return longest / max(1, len(codes))


def _packed(text: str) -> float:
    raw = text.encode("utf-8", "surrogatepass")
    return len(zlib.compress(raw, 6)) / max(1, len(raw))
