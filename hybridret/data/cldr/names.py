"""Names of things in the languages of the corpus, from CLDR's locale data."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from functools import cache
from typing import Any

from hybridret.base.languages import script_of
from hybridret.data.cldr.locales import own_locale
from hybridret.data.cldr.things import Thing

_REMARK = re.compile(r"\s*[（(].*?[)）]")


@cache
def name_of(thing: Thing, language: str) -> str | None:
    """The name of `thing` in `language`; None if CLDR has no name that a reader of the language would write."""
    if thing.kind == "Z":
        return _place(thing.code, language)
    return _tables(language)[thing.kind].get(thing.code)


@cache
def _tables(language: str) -> dict[str, dict[str, str]]:
    """Kind -> code -> name."""
    locale = own_locale(language)
    months = {**locale.months["format"]["wide"], **locale.months.get("stand-alone", {}).get("wide", {})}
    zones = {code: zone.get("long", {}) for code, zone in locale.meta_zones.items()}
    raw: dict[str, dict[str, Any]] = {
        "T": dict(locale.territories),
        "G": dict(locale.languages),
        "S": dict(locale.scripts),
        "M": {code: zone.get("generic") or zone.get("standard") for code, zone in zones.items()},
        "D": {str(number): name for number, name in locale.days["format"]["wide"].items()},
        "O": {str(number): name for number, name in months.items()},
    }
    tables = {kind: _short({code: name for code, name in names.items() if name}) for kind, names in raw.items()}
    # Names with years ("Turkish Lira (1922-2005)") are not used: they would reveal the fact across languages.
    money = {code: name for code, name in locale.currencies.items() if not re.search(r"[（(\d]", name)}
    tables["C"] = money
    return {
        kind: {code: name for code, name in names.items() if name != code and _readable(name, language)}
        for kind, names in tables.items()
    }


def _short(names: dict[str, str]) -> dict[str, str]:
    """Names without remarks in parentheses, unless two names differ only in the remark."""
    short = {code: _REMARK.sub("", name).strip() for code, name in names.items()}
    count = Counter(short.values())
    return {code: short[code] if short[code] and count[short[code]] == 1 else name for code, name in names.items()}


def _place(zone: str, language: str) -> str | None:
    named: str | None = own_locale(language).time_zones.get(zone, {}).get("city")
    if named is None and script_of(language) == "Latn":  # CLDR omits a name that equals the zone's id
        named = zone.rsplit("/", 1)[-1].replace("_", " ")
    return _REMARK.sub("", named).strip() if named and _readable(named, language) else None


def _readable(name: str, language: str) -> bool:
    """False for a name in Latin script in a language with another script: it is untranslated."""
    if script_of(language) == "Latn":
        return True
    return any(letter.isalpha() and not unicodedata.name(letter, "").startswith("LATIN") for letter in name)
