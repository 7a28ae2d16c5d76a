"""Facts from CLDR's supplemental data, as included in babel: currencies, languages, scripts and time zones.

Facts contain codes only; `names.py` turns codes into words. The current date is `REFERENCE`, never the clock, so that
the corpus does not change from one day to the next.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from babel import localedata
from babel.core import get_global

from hybridret.data.cldr.locales import own_data
from hybridret.data.cldr.things import Thing

REFERENCE = (2025, 1, 1)
WORDS = {
    "monday": Thing("D", "0"),
    "sunday": Thing("D", "6"),
    "january": Thing("O", "1"),
    "july": Thing("O", "7"),
}


@dataclass(frozen=True)
class Fact:
    """One attribute of one entity.

    `slots` fills the placeholders of the templates: e the entity, v the value, y a year, w a word to translate. A
    `Thing` is named in the language of the text; a string is inserted unchanged. `attribute` is the relation, which
    selects the template; for words it is followed by the word: `G:word.monday`.
    """

    attribute: str
    slots: Mapping[str, Thing | str]

    @property
    def entity(self) -> Thing:
        """The entity that the question is about."""
        entity = self.slots["e"]
        assert isinstance(entity, Thing)
        return entity

    @property
    def relation(self) -> str:
        """The key of the templates."""
        return self.attribute.split(".")[0]

    @property
    def id(self) -> str:
        """Unique and readable: `T:FR:currency`."""
        return f"{self.entity}:{self.attribute.split(':')[1]}"

    @property
    def mentions(self) -> frozenset[Thing]:
        """All things that the texts name besides the entity."""
        return frozenset(slot for slot in self.slots.values() if isinstance(slot, Thing)) - {self.entity}


@cache
def all_facts() -> tuple[Fact, ...]:
    """Every fact, whether or not its names exist in the corpus languages, sorted by id."""
    found = [*_territories(), *_currencies(), *_languages(), *_scripts(), *_places()]
    return tuple(sorted(found, key=lambda fact: fact.id))


@cache
def spread(language: str) -> float:
    """How widespread a language is: the sum over all territories of the percentage of the population that uses it."""
    rows = get_global("territory_languages").values()
    return float(sum(row[tag]["population_percent"] for row in rows for tag in row if tag.split("_")[0] == language))


def _fact(attribute: str, code: str, value: Thing | str, **slots: Thing | str) -> Fact:
    return Fact(attribute, {"e": Thing(attribute[0], code), "v": value, **slots})


def _territories() -> Iterator[Fact]:
    weeks = _first_days()
    for code in sorted(get_global("territory_zones")):
        now, former = _current_tender().get(code), _former_tender().get(code)
        if now:
            yield _fact("T:currency", code, Thing("C", now[0]))
            yield _fact("T:currency_since", code, str(now[1]))
        if former:
            yield _fact("T:former_currency", code, Thing("C", former[0]), y=str(former[1]))
        first, second = _most_spoken(code)
        if first:
            yield _fact("T:language", code, Thing("G", first))
        if second:
            yield _fact("T:second_language", code, Thing("G", second))
        zones = {get_global("meta_zones").get(zone) for zone in get_global("territory_zones")[code]}
        if len(zones) == 1 and (zone := zones.pop()):  # with several time zones there is no single answer
            yield _fact("T:zone", code, Thing("M", zone))
        if code in weeks:
            yield _fact("T:week", code, Thing("D", weeks[code]))


def _currencies() -> Iterator[Fact]:
    now: dict[str, list[str]] = defaultdict(list)
    past: dict[str, list[tuple[str, int]]] = defaultdict(list)
    for territory in sorted(get_global("territory_zones")):  # the European Union has a currency, but no zones
        if tender := _current_tender().get(territory):
            now[tender[0]].append(territory)
        if former := _former_tender().get(territory):
            past[former[0]].append((territory, former[1]))
    for code in sorted({*now, *past}):
        yield _fact("C:code", code, code)
        # The issuer is the territory whose code the currency code begins with (none for EUR: no single answer).
        places = [place for place in now[code] if code.startswith(place)] or now[code]
        if len(places) == 1:
            yield _fact("C:place", code, Thing("T", places[0]))
        if not now[code]:
            ends = [end for end in past[code] if code.startswith(end[0])] or past[code]
            if len(ends) == 1:
                yield _fact("C:former_place", code, Thing("T", ends[0][0]), y=str(ends[0][1]))


def _languages() -> Iterator[Fact]:
    """Facts about languages that have their own locale data, so that their words are known."""
    english = _words("en")
    for code in sorted(name for name in localedata.locale_identifiers() if "_" not in name and name != "root"):
        _, script, territory = _likely(code)
        if script:
            yield _fact("G:script", code, Thing("S", script))
        if territory:
            yield _fact("G:home", code, Thing("T", territory))
        for word, value in _words(code).items():
            if code == "en" or value != english[word]:  # an English word in another language is a gap in the data
                yield _fact(f"G:word.{word}", code, value, w=WORDS[word])


def _scripts() -> Iterator[Fact]:
    for key in sorted(get_global("likely_subtags")):
        script = key.removeprefix("und_")
        if key == script or len(script) != 4 or script == "Latn":  # CLDR's home of Latin is a default, not a fact
            continue
        language, _, territory = _likely(key)
        yield _fact("S:language", script, Thing("G", language))
        if territory:
            yield _fact("S:place", script, Thing("T", territory))


def _places() -> Iterator[Fact]:
    for zone, territory in sorted(get_global("zone_territories").items()):
        if "/" not in zone or zone.startswith("Etc/") or territory in ("AQ", "001"):
            continue
        yield _fact("Z:territory", zone, Thing("T", territory))
        if tender := _current_tender().get(territory):
            yield _fact("Z:currency", zone, Thing("C", tender[0]))
        if language := _most_spoken(territory)[0]:
            yield _fact("Z:language", zone, Thing("G", language))
        if meta := get_global("meta_zones").get(zone):
            yield _fact("Z:zone", zone, Thing("M", meta))


@cache
def _current_tender() -> dict[str, tuple[str, int]]:
    """Territory -> its legal tender on the reference day and the year in which that became legal tender."""
    found = {}
    for territory, rows in get_global("territory_currencies").items():
        valid = [
            row for row in rows if row[3] and row[1] and row[1] <= REFERENCE and (not row[2] or row[2] > REFERENCE)
        ]
        # Of several, the territory's own one: HTG, not USD, in Haiti. Without one there is no single answer.
        valid = [row for row in valid if row[0].startswith(territory)] or valid
        if len(valid) == 1:
            found[territory] = (valid[0][0], valid[0][1][0])
    return found


@cache
def _former_tender() -> dict[str, tuple[str, int]]:
    """Territory -> the most recently withdrawn legal tender and the year of its end."""
    found = {}
    for territory, rows in get_global("territory_currencies").items():
        ended = [row for row in rows if row[3] and row[2] and row[2] <= REFERENCE]
        ended = [row for row in ended if row[0] != _current_tender().get(territory, ("",))[0]]
        if ended:
            last = max(ended, key=lambda row: (row[2], row[0]))
            found[territory] = (last[0], last[2][0])
    return found


@cache
def _most_spoken(territory: str) -> tuple[str | None, str | None]:
    """The languages with the most and the second most users; None if a tie or missing data leaves no answer."""
    shares: dict[str, float] = defaultdict(float)
    for tag, row in get_global("territory_languages").get(territory, {}).items():
        language = tag.split("_")[0]
        shares[language] = max(shares[language], row["population_percent"])
    ranked = sorted(shares.items(), key=lambda item: (-item[1], item[0]))
    ranked += [("", 0.0)] * 3
    answers = [
        ranked[index][0] if ranked[index][1] >= 1 and ranked[index][1] > ranked[index + 1][1] else None
        for index in range(2)
    ]
    return answers[0], answers[1] if answers[0] else None


@cache
def _first_days() -> dict[str, str]:
    """Territory -> the weekday on which its week begins ("0" is Monday)."""
    days: dict[str, str] = {}
    for name in sorted(localedata.locale_identifiers()):
        territory = name.split("_")[-1]
        if "_" in name and len(territory) == 2 and territory.isupper() and territory not in days:
            week = own_data(name).get("week_data", {})
            if "first_day" in week:
                days[territory] = str(week["first_day"])
    return days


@cache
def _words(language: str) -> dict[str, str]:
    """Word of `WORDS` -> its name in `language`, if the language's own data has it."""
    data: Any = own_data(language)
    months = {**_wide(data, "months", "format"), **_wide(data, "months", "stand-alone")}
    tables = {"D": _wide(data, "days", "format"), "O": months}
    found = {word: tables[thing.kind].get(int(thing.code)) for word, thing in WORDS.items()}
    # CLDR has M01 instead of a missing name.
    return {word: name for word, name in found.items() if name and not name[-1].isdigit()}


def _wide(data: Any, table: str, form: str) -> dict[int, str]:
    names = data.get(table, {}).get(form, {})
    return dict(names.get("wide", {})) if hasattr(names, "get") else {}


def _likely(tag: str) -> tuple[str, str | None, str | None]:
    """The likely language, script and territory of a tag, by CLDR."""
    parts = get_global("likely_subtags").get(tag, tag).split("_")
    if len(parts) < 3:
        return parts[0], None, None
    script = {"Hans": "Hani", "Hant": "Hani"}.get(parts[1], parts[1])  # Simplified is no script of its own
    return parts[0], script, parts[2]
