"""Do equal question ids in several languages mean translations? Counts, and refusals before a pair is shifted."""

from __future__ import annotations

import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from hybridret.base.errors import UserError

ENOUGH = 20  # answers in figures from which on a language is compared by them
AGREEING = (
    0.5  # the smallest share of them that must be the same: measured .92 to 1 for translations, others at most .04
)


@dataclass(frozen=True)
class Asked:
    """A question of a dataset in one language, with the text of its answer ("" where it is not known)."""

    dataset: str
    language: str
    id: str
    answer: str


@dataclass(frozen=True)
class Remedies:
    """Settings that an error names. separate: for ids that are no translations; trusted: where many ids are rightly in
    one language alone."""

    separate: str
    trusted: str  # may hold {share}


def check_alignment(
    asked: Iterable[Asked], allowed: float | None, remedies: Remedies, monolingual: bool = False
) -> dict[str, Any]:
    """Dataset -> language -> how many of its ids no other language has, for datasets in several languages.

    allowed: the largest share of such ids in a language; the language with the most questions may have any number.
        None: nothing is refused.
    monolingual: a language that shares no id at all with another one is accepted, as questions of its own.

    Raises UserError above it, and where answers in figures differ under equal ids: such ids are counted per language.
    """
    answers: defaultdict[str, defaultdict[str, dict[str, str]]] = defaultdict(lambda: defaultdict(dict))
    for one in asked:
        answers[one.dataset][one.language][one.id] = one.answer
    counts: dict[str, Any] = {}
    for dataset, languages in sorted(answers.items()):
        if len(languages) > 1:
            alone = {language: _alone(language, languages) for language in languages}
            counts[dataset] = {language: len(ids) for language, ids in alone.items()}
            if allowed is not None:
                # Equal ids of other questions say more about what is wrong than ids that only one language has.
                _check_figures(dataset, languages, remedies)
                _refuse(dataset, languages, alone, allowed, remedies, monolingual)
    return counts


def _alone(language: str, languages: Mapping[str, Mapping[str, str]]) -> list[str]:
    others = set().union(*(found for other, found in languages.items() if other != language))
    return sorted(languages[language].keys() - others)


def _refuse(
    dataset: str,
    languages: Mapping[str, Mapping[str, str]],
    alone: Mapping[str, list[str]],
    allowed: float,
    remedies: Remedies,
    monolingual: bool,
) -> None:
    most = max(languages, key=lambda language: len(languages[language]))
    for language, ids in languages.items():
        some = alone[language]
        if language == most or len(some) <= allowed * len(ids) or (monolingual and len(some) == len(ids)):
            continue
        raise UserError(
            f"{dataset}: {len(some)} of {len(ids)} question ids in {language} exist in no other language, such as "
            f"{some[0]!r}: more than {allowed:.0%}, so its files are no translation of the others. Check data.files. "
            f"Where equal ids are no translations at all, set {remedies.separate}; where this share is right, "
            f"{remedies.trusted.format(share=f'{len(some) / len(ids) + 0.01:.2f}')}."
        )


def _check_figures(dataset: str, languages: Mapping[str, Mapping[str, str]], remedies: Remedies) -> None:
    """Answers such as years are the same in all languages; under equal ids of other questions they differ."""
    most = max(languages, key=lambda language: len(languages[language]))
    figures = {identifier: found for identifier, answer in languages[most].items() if (found := _figure(answer))}
    for language, answers in languages.items():
        shared = [identifier for identifier in figures.keys() & answers.keys() if answers[identifier]]
        agreeing = sum(figures[identifier] in _figures(answers[identifier]) for identifier in shared)
        if len(shared) >= ENOUGH and agreeing < AGREEING * len(shared):
            example = min(one for one in shared if figures[one] not in _figures(answers[one]))
            raise UserError(
                f"{dataset}: only {agreeing} of {len(shared)} answers that are a number in {most} are the same number "
                f"in {language}, so equal ids are no translations; {example!r} is answered by "
                f"{languages[most][example]!r} and by {answers[example]!r}. Check data.files, or set "
                f"{remedies.separate}."
            )


def _figure(answer: str) -> str:
    """The answer if it is a number of two digits or more, else ""."""
    text = answer.strip()
    return text if len(text) > 1 and text.isascii() and text.isdigit() else ""


def _figures(answer: str) -> str:
    """An answer with the digits of every script as ASCII, without separators of thousands."""
    text = "".join(str(unicodedata.digit(letter, letter)) for letter in answer)
    return text.replace(",", "").replace(".", "").replace("\u00a0", "").replace(" ", "")
