"""Which language pairs a question has, one after another and by hand: the slow twin of `language_pairs`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from hybridret.base.records import ParallelPairs

SCRIPTS = {"en": "Latin", "de": "Latin", "th": "Thai", "zh": "Chinese", "ar": "Arabic"}
Choice = str | Sequence[str] | Mapping[str, Any]


def languages_of(pairs: ParallelPairs, question: int) -> list[int]:
    return [index for index, code in enumerate(pairs.languages) if pairs.queries[code][question] is not None]


def pairs_of(choice: Choice, pairs: ParallelPairs, question: int) -> list[tuple[int, int, float]]:
    """(query language, passage language, weight) of all pairs that `choice` leaves to a question, in their order."""
    column = {code: index for index, code in enumerate(pairs.languages)}
    has = [pairs.languages[index] for index in languages_of(pairs, question)]
    if isinstance(choice, str):
        both = [(one, other) for one in sorted(has) for other in sorted(has) if one != other]
        named = {pair: 1.0 for pair in both if fits(choice, *pair)}
    else:
        weights = choice if isinstance(choice, Mapping) else dict.fromkeys(choice, 1.0)
        named = {tuple(name.split("-")): float(weight) for name, weight in weights.items()}  # type: ignore[misc]
    return [(column[one], column[other], w) for (one, other), w in named.items() if one in has and other in has]


def fits(choice: str, one: str, other: str) -> bool:
    if choice == "script":
        return SCRIPTS[one] == SCRIPTS[other]
    return choice == "all" or {"english": "en"}.get(choice, choice) in (one, other)


def rows_of(choice: Choice, pairs: ParallelPairs, question: int) -> int:
    """In how many languages a question can stand in a cross batch."""
    return len({language for one, other, _ in pairs_of(choice, pairs, question) for language in (one, other)})
