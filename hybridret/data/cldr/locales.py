"""CLDR's data of a locale itself, without inherited data.

babel caches one copy of a locale's data, with or without inherited data, depending on the first request in the process.
Without a separate copy here, the facts and names would depend on earlier calls of other code, and this other code's
results on the corpus.
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
    """A locale that uses `own_data` only."""
    locale, before = Locale(language), localedata._cache.get(language)
    localedata._cache[language] = own_data(language)
    try:
        locale.languages  # noqa: B018 - the first access loads the data, and the locale keeps it
    finally:
        localedata._cache.pop(language)
        if before is not None:
            localedata._cache[language] = before
    return locale
