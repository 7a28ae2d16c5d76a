"""From facts to sentences: templates filled with names."""

from __future__ import annotations

import pkgutil
from collections.abc import Callable, Mapping
from functools import cache
from importlib import import_module
from typing import NamedTuple

from hybridret.data.cldr import templates
from hybridret.data.cldr.facts import Fact
from hybridret.data.cldr.names import name_of
from hybridret.data.cldr.things import Thing


class Texts(NamedTuple):
    """One fact in one language: two wordings of the question and the passage that answers both."""

    questions: tuple[str, str]
    passage: str


class Templates(NamedTuple):
    """The content of a file of the folder `templates`."""

    relations: Mapping[str, tuple[str, str, str]]
    in_sentence: Callable[[str, str], str]


@cache
def available_languages() -> tuple[str, ...]:
    """The languages that have templates, sorted."""
    return tuple(sorted(module.name for module in pkgutil.iter_modules(templates.__path__)))


@cache
def templates_of(language: str) -> Templates:
    """The templates of one of `available_languages`."""
    module = import_module(f"{templates.__name__}.{language}")
    return Templates(module.TEMPLATES, getattr(module, "in_sentence", _as_it_is))


def render(fact: Fact, language: str) -> Texts | None:
    """The texts of `fact` in `language`; None if CLDR lacks the name of anything that the fact mentions."""
    relations, in_sentence = templates_of(language)
    filled: dict[str, str] = {}
    for slot, value in fact.slots.items():
        if isinstance(value, Thing):
            name = name_of(value, language)
            if name is None:
                return None
            filled[slot] = in_sentence(value.kind, name)
        else:
            filled[slot] = value
    first, second, passage = (_capital(text.format_map(filled), language) for text in relations[fact.relation])
    return Texts((first, second), passage)


def _as_it_is(kind: str, name: str) -> str:
    return name


def _capital(text: str, language: str) -> str:
    """`text` with a capital first letter: a sentence may begin with a name that CLDR writes in lower case."""
    first = "İ" if language == "tr" and text[0] == "i" else text[0].upper()
    return first + text[1:]
