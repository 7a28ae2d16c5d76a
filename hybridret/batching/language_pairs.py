"""Which ordered pairs of languages cross batches hold: all, those with one language, within one script, or a list."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import permutations
from typing import Annotated, Any

from annotated_types import Ge, Le

from hybridret.base.errors import UserError, nearest
from hybridret.base.languages import among, canonical_language, script_of
from hybridret.base.range_words import Because
from hybridret.base.ranges import check_value

KEY = "batching.pairs"
ALL, SCRIPT, ENGLISH = "all", "script", "english"
UNKNOWN_SCRIPT = "Zzzz"

PairChoice = Annotated[
    str | list[str] | dict[str, Any],
    Because(
        f"Choose {ALL}, {ENGLISH} (or the code of another language that all pairs share), {SCRIPT}, a list of pairs "
        "QUERY-PASSAGE, like [en-de,de-en], or a mapping of pairs to weights, like {en-de: 2, de-en: 1}."
    ),
]
Weight = Annotated[float, Ge(1e-6), Le(1e6), Because("Only ratios of weights count; leave a pair out for none.")]
Weights = dict[tuple[str, str], float]
"""Ordered pairs (query language, passage language) and their weights: pairs are drawn in proportion to these."""


def check_pairs(choice: str | Sequence[str] | Mapping[str, Any]) -> None:
    """Raise UserError where `choice` can name no pairs, in whatever languages the data are."""
    if isinstance(choice, str):
        if choice not in (ALL, SCRIPT, ENGLISH) and canonical_language(choice) is None and "-" not in choice:
            raise UserError(
                f"{KEY}={choice}: it is neither {ALL}, {ENGLISH} nor {SCRIPT}, nor the code of a language that all "
                f"pairs share, like de. {nearest(choice, (ALL, ENGLISH, SCRIPT))}"
            )
        return
    if not choice:
        raise UserError(f"{KEY}={choice} is empty: name pairs, like {KEY}=[en-de,de-en], or set {KEY}={ALL}.")
    for name in choice:
        if isinstance(choice, Mapping):
            check_value(Weight, choice[name], f"{KEY}.{name}")
        if not next(_halves(name), None):
            raise UserError(f"{KEY}: {name!r} is no pair of languages. Write QUERY-PASSAGE, like en-de.")


def chosen_pairs(choice: str | Sequence[str] | Mapping[str, Any], languages: Sequence[str]) -> Weights | None:
    """The pairs that `choice` names among `languages`, those of the training data; None for all, uniformly.

    Raises UserError for a language or a pair that the data lacks, naming the nearest, and for a pair named twice.
    """
    check_pairs(choice)
    if choice == ALL:
        return None
    if choice == SCRIPT:
        script = {language: script_of(language) for language in languages}
        same = [(one, other) for one, other in permutations(languages, 2) if script[one] == script[other]]
        return {pair: 1.0 for pair in same if script[pair[0]] != UNKNOWN_SCRIPT}
    if isinstance(choice, str):
        centre = _centre(choice, languages)
        return {pair: 1.0 for pair in permutations(languages, 2) if centre in pair}
    weights: Weights = {}
    for name in choice:
        pair = _pair(name, languages)
        if pair in weights:
            raise UserError(
                f"{KEY}: the pair {'-'.join(pair)} is given twice, the second time as {name!r}. Leave one out."
            )
        value = choice[name] if isinstance(choice, Mapping) else 1
        weights[pair] = check_value(Weight, value, f"{KEY}.{name}")
    return weights


def shown_pairs(choice: str | Sequence[str] | Mapping[str, Any]) -> str:
    """`choice` as it is written on the command line."""
    if isinstance(choice, Mapping):
        return "{" + ",".join(f"{name}:{weight}" for name, weight in choice.items()) + "}"
    return choice if isinstance(choice, str) else f"[{','.join(choice)}]"


def _centre(choice: str, languages: Sequence[str]) -> str:
    found = among("en" if choice == ENGLISH else choice, languages)
    if found in languages:
        return str(found)
    if pair := next(_known_halves(choice, languages), None):
        raise UserError(f"{KEY}={choice}: pairs are given as a list, {KEY}=[{'-'.join(pair)}].")
    raise UserError(f"{KEY}={choice}: the training data has no such language. {nearest(choice, languages)}")


def _pair(name: str, languages: Sequence[str]) -> tuple[str, str]:
    pair = next(_known_halves(name, languages), None)
    if pair is None or pair[0] == pair[1]:
        known = ["-".join(pair) for pair in permutations(languages, 2)]
        near = nearest(name, known)
        hint = near if near.startswith("Did") else f"The languages are {', '.join(languages)}."
        raise UserError(f"{KEY}: {name!r} is no pair of two different languages of the training data. {hint}")
    return pair


def _known_halves(name: str, languages: Sequence[str]) -> Iterator[tuple[str, str]]:
    for query, passage in _halves(name):
        one, other = among(query, languages), among(passage, languages)
        if one in languages and other in languages:
            yield str(one), str(other)


def _halves(name: str) -> Iterator[tuple[str, str]]:
    """All ways to read `name` as QUERY-PASSAGE: codes have hyphens, too (`zh-hant-en`)."""
    parts = name.split("-")
    for border in range(1, len(parts)):
        halves = "-".join(parts[:border]), "-".join(parts[border:])
        if all(halves):
            yield halves
