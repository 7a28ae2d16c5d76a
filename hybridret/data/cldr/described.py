"""The facts that have texts in every language of the corpus, and whose texts differ from those of all other facts.

The selection uses all languages that have templates, not only the requested ones. So facts, ids and the split are
always the same, and results in two and in ten languages are about the same facts.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache

from hybridret.data.cldr.facts import Fact, all_facts, spread
from hybridret.data.cldr.names import name_of
from hybridret.data.cldr.render import Texts, available_languages, render
from hybridret.data.cldr.things import Thing, uniform


@dataclass(frozen=True)
class Described:
    """A fact and its texts in all available languages."""

    fact: Fact
    texts: Mapping[str, Texts]


@lru_cache(maxsize=4)
def described_facts(places: int, spoken: int) -> tuple[Described, ...]:
    """The facts in the order of their ids, with at most `places` places and `spoken` languages as entities.

    These are a fixed random choice of places, and the most widespread languages.
    """
    found = []
    for fact in all_facts():
        texts = {language: render(fact, language) for language in available_languages()}
        complete = {language: text for language, text in texts.items() if text is not None}
        if len(complete) == len(texts) and not _translates_into_itself(fact):
            found.append(Described(fact, complete))
    found = [one for one in found if not _named_like_its_territory(one.fact.entity)]
    entities = {one.fact.entity for one in found}
    kept = {
        *_first((one for one in entities if one.kind == "Z"), places, lambda one: (uniform(0, "place", one.code), "")),
        *_first((one for one in entities if one.kind == "G"), spoken, lambda one: (-spread(one.code), one.code)),
        *(one for one in entities if one.kind not in "ZG"),
    }
    return tuple(without_collisions([one for one in found if one.fact.entity in kept]))


def without_collisions(facts: Sequence[Described]) -> list[Described]:
    """Drop every fact that shares a question or a passage with another fact in any language.

    If two facts had the same question, the passage of each would be a false negative of the other.
    """
    count: Counter[tuple[str, str]] = Counter()
    for one in facts:
        count.update(_keys(one))
    return [one for one in facts if all(count[key] == 1 for key in _keys(one))]


def _keys(one: Described) -> set[tuple[str, str]]:
    return {
        (language, text.casefold())
        for language, texts in one.texts.items()
        for text in (*texts.questions, texts.passage)
    }


def _translates_into_itself(fact: Fact) -> bool:
    """Whether the answer equals the word to translate in a corpus language, as when Turkish asks for a Turkish word."""
    word, value = fact.slots.get("w"), fact.slots["v"]
    if not isinstance(word, Thing) or not isinstance(value, str):
        return False
    names = (name_of(word, language) for language in available_languages())
    return value.casefold() in {name.casefold() for name in names if name}


def _named_like_its_territory(entity: Thing) -> bool:
    """Whether a city is named like a territory, such as Singapore: questions about it contain the answer, or repeat a
    question about the territory."""
    return entity.kind == "Z" and any(
        name_of(entity, language) in _territory_names(language) for language in available_languages()
    )


@cache
def _territory_names(language: str) -> frozenset[str | None]:
    territories = {fact.entity for fact in all_facts() if fact.entity.kind == "T"}
    return frozenset(name_of(territory, language) for territory in territories) - {None}


def _first(entities: Iterable[Thing], count: int, key: Callable[[Thing], tuple[float, str]]) -> list[Thing]:
    return sorted(entities, key=key)[:count]
