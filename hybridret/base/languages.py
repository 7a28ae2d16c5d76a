"""Languages: one form for every way to write their codes, their names and scripts.

The form is BCP 47's in lower case (`en`, `zh`, `zh-hant`), with ISO 639-1 where it has a code and without the usual
script of the language. Codes are from langcodes (ISO 639, IANA's registry), names and scripts from CLDR.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping, Sequence
from functools import cache

from hybridret.base.errors import UserError, nearest

NONE = ("mul", "und", "zxx")  # several, unknown, and no language
KEPT = ("tl", "tw")  # ISO 639-1 codes that CLDR replaces by fil and ak, which are other languages in ISO 639-3


def check_language(code: object, where: str) -> str:
    """The one form of a language code: BCP 47 in any case, ISO 639-3, or mteb's `zho-Hans`.

    Raises UserError, naming its position `where` and the nearest code, if `code` is no language.
    """
    if not isinstance(code, str):
        raise UserError(f"{where}: {code!r} is not a language code but a {type(code).__name__}; put it in quotes.")
    found = canonical_language(code)
    if found is None:
        raise UserError(f"{where}: {code!r} is not a language code, like 'en' or 'zh-hant'. {_nearest(code)}")
    return found


@cache
def canonical_language(code: str) -> str | None:
    """The one form of `code`, None where it is no language.

    >>> [canonical_language(code) for code in ("EN", "eng", "eng-Latn", "zho-Hans", "zh_Hant", "swa-Latn", "english")]
    ['en', 'en', 'en', 'zh-hans', 'zh-hant', 'sw', None]
    """
    from langcodes import standardize_tag, tag_is_valid
    from langcodes.tag_parser import LanguageTagError

    first, *rest = code.strip().lower().replace("_", "-").split("-")
    first = _two_letters().get(first, first)
    try:
        tag = standardize_tag("-".join((first, *rest)), macro=True).lower()
    except LanguageTagError:
        return None
    if len(first) == 1 or not tag_is_valid(tag):  # private codes have no public meaning
        return None
    language, *parts = tag.split("-")
    if first in KEPT:
        language = first
    written = "-".join((language, *parts))
    return written if language in _of_several_scripts() else plain_language(written)


def plain_language(code: str) -> str:
    """`code` without its script where this is the usual one of the language; equal for codes of the same meaning.

    >>> plain_language("zh-hans"), plain_language("zh-hant")
    ('zh', 'zh-hant')
    """
    language, *parts = code.split("-")
    if parts and len(parts[0]) == 4 and parts[0].title() == script_of(language):
        parts = parts[1:]
    return "-".join((language, *parts))


def among(code: object, known: Iterable[str]) -> str | None:
    """The one of the `known` codes that means the same as `code`, in any form; None where none does.

    >>> among("zho-Hans", ("en", "zh")), among("EN", ("en", "zh")), among("de", ("en", "zh"))
    ('zh', 'en', None)
    """
    names = list(known)
    if code in names:
        return str(code)
    found = canonical_language(code) if isinstance(code, str) else None
    if found is None or found in names:
        return found
    return next((name for name in names if plain_language(name) == plain_language(found)), None)


def chosen_languages(
    key: str, languages: Sequence[object] | None, known: Sequence[str], what: str = "here", why: str = ""
) -> list[str]:
    """`languages` as the `known` codes that they mean, in their order; all `known` for None.

    For messages: `key` is the key of the config, `what` the owner of the languages; `why` replaces the nearest code
    where a language is unknown.

    Raises UserError for an unknown language, for an empty list, and for a language that is listed twice.
    """
    if languages is None:
        return list(known)
    chosen = []
    for language in languages:
        found = among(language, known)
        if found is None:
            try:
                check_language(language, key)
            except UserError as error:
                raise UserError(f"{error} Known: {', '.join(known)}.") from None
            raise UserError(f"{key}: no {language!r} {what}. {why or _known(str(language), known)}")
        chosen.append(found)
    if not chosen or len(set(chosen)) < len(chosen):
        raise UserError(f"{key}={list(languages)}: name one or more of {', '.join(known)}, none of them twice.")
    return chosen


@cache
def script_of(code: str) -> str:
    """The usual script of a language as an ISO 15924 code (`Latn`, `Arab`); `Zzzz` where CLDR knows none."""
    from babel.core import get_global

    parts = code.split("-")
    for part in parts[1:]:
        if len(part) == 4 and part.isalpha():
            return part.title()
    likely = get_global("likely_subtags").get(parts[0], "")
    return likely.split("_")[1] if likely.count("_") >= 2 else "Zzzz"


@cache
def language_name(code: str) -> str:
    """The English name of a language; the code itself where CLDR knows none."""
    names = _names()
    return str(names.get(code.replace("-", "_")) or names.get(code.split("-")[0]) or code)


def named_language(word: str) -> str | None:
    """The language with this code or this English name, None where there is none.

    >>> named_language("swahili"), named_language("zh_TW"), named_language("context")
    ('sw', 'zh-tw', None)
    """
    names = {name.lower(): code for code, name in _names().items()}
    return canonical_language(names.get(word.lower(), word))


@cache
def _names() -> Mapping[str, str]:
    """CLDR's codes, such as zh_Hant, and their English names."""
    from babel import Locale

    return dict(Locale("en").languages)


@cache
def _two_letters() -> Mapping[str, str]:
    """ISO 639-3 -> ISO 639-1, without withdrawn codes."""
    from langcodes import standardize_tag
    from langcodes.data_dicts import LANGUAGE_ALPHA3

    short = (code for code in LANGUAGE_ALPHA3 if len(code) == 2)
    return {LANGUAGE_ALPHA3[code]: code for code in short if code in KEPT or standardize_tag(code) == code}


@cache
def _of_several_scripts() -> frozenset[str]:
    """Languages that CLDR writes in more than one script: a script in their code is intended."""
    from babel.localedata import locale_identifiers

    parts = (name.split("_") for name in locale_identifiers())
    return frozenset(one[0] for one in parts if len(one) > 1 and len(one[1]) == 4)


def _nearest(word: str) -> str:
    """The language that `word` may mean: by its English name, or by a code that looks like it."""
    names = {name.lower(): code.lower().replace("_", "-") for code, name in _names().items() if code not in NONE}
    text = word.strip().lower().replace("_", "-")
    found = difflib.get_close_matches(text, [*names, *names.values()], n=1, cutoff=0.6)
    if not found:
        return "Look it up in ISO 639."
    code = names.get(found[0], found[0])
    return f"Did you mean {code!r} ({language_name(code)})?"


def _known(language: str, known: Sequence[str]) -> str:
    hint, listed = nearest(language, known), "Known: " + ", ".join(known) + "."
    return f"{hint} {listed}" if hint.startswith("Did") and len(known) <= 20 else hint
