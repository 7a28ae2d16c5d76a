"""What CLDR says of a locale itself, without what it inherits.

babel keeps one copy of a locale's data, with or without what it inherits, as it was first asked for. Without a copy of
our own the facts and names would depend on who asked before, and what others find on the corpus.
"""

from __future__ import annotations

from functools import cache
from typing import Any

from babel import Locale, localedata


@cache
def own_data(name: str) -> dict[str, Any]:
    """The tables of a locale, such as `en` or `en_GB`."""
    before = localedata._cache.pop(name, None)
    try:
        return localedata.load(name, merge_inherited=False)
    finally:
        localedata._cache.pop(name, None)
        if before is not None:
            localedata._cache[name] = before


@cache
def own_locale(language: str) -> Locale:
    """A locale that answers from `own_data` alone."""
    locale, before = Locale(language), localedata._cache.get(language)
    localedata._cache[language] = own_data(language)
    try:
        locale.languages  # noqa: B018 - the first question loads the data, which then stays
    finally:
        localedata._cache.pop(language)
        if before is not None:
            localedata._cache[language] = before
    return locale
