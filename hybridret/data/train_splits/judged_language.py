"""The training questions of one language with the ids of their relevant and irrelevant passages, before any passage is
read.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from annotated_types import Ge, Le

from hybridret.base.errors import UserError
from hybridret.base.range_words import Because
from hybridret.data.joining import matched

LOST = 0.01  # the largest share of the judgments of a language that may name what is missing or empty

Judgment = tuple[str, str, int]  # query id, passage id, grade
Texts = Callable[[Collection[str], Callable[[int], object]], dict[str, str | None]]
"""Passage ids, and a function that gets the bytes that were read -> the texts of those that were found, None for one
that is in another language."""


@dataclass(frozen=True)
class Passages:
    """The files of passages: `read` finds some of them, `size` is their bytes on the disk."""

    read: Texts
    size: int

    @classmethod
    def of(cls, read: Texts, files: Iterable[Path]) -> Passages:
        """Those of `files`, which are there."""
        return cls(read, sum(file.stat().st_size for file in files))


ValidationQuestions = Annotated[int, Ge(1), Because("Pairs held out in each language, for the validation loss.")]
Positives = Annotated[int, Ge(1), Because("null takes all relevant passages of a question.")] | None
Negatives = Annotated[int, Ge(0), Le(100), Because("Each of them is encoded in every batch; 0 is none.")]


@dataclass(frozen=True)
class Limits:
    """`positives`: pairs of a question, None for all. `negatives`: its hard negatives. `validation`: pairs that are
    held out in each language.
    """

    positives: int | None
    negatives: int
    validation: int


@dataclass(frozen=True)
class JudgedLanguage:
    """`queries`: the text of each question that has a relevant passage. `positives`: its relevant passages, at least
    one; `negatives`: its judged passages that are not relevant, perhaps absent. `passages`: where they stand. `files`:
    their name in messages. `unknown`: judgments of relevance whose question is missing or empty.
    """

    language: str
    queries: Mapping[str, str]
    positives: Mapping[str, list[str]]
    negatives: Mapping[str, list[str]]
    passages: Passages
    files: str
    unknown: int


def judged_language(
    language: str,
    queries: Mapping[str, str],
    judgments: Iterable[Judgment],
    limits: Limits,
    passages: Passages,
    files: str,
) -> JudgedLanguage:
    """The language of `judgments`: of each question the passages of the highest grades, as many as `limits` say, and of
    its passages of grade 0 or below the first ones; among equal grades the order is that of the file.

    Raises UserError where nothing is relevant, and where more than one percent of the relevant judgments name
    questions that are missing or empty.
    """
    rows = list(judgments)
    graded: dict[str, dict[str, int]] = {}
    negatives: dict[str, list[str]] = {}
    relevant = 0
    unknown: list[str] = []
    asked = matched([query for query, _, _ in rows], queries)
    for query, (_, passage, grade) in zip(asked, rows, strict=True):
        if grade > 0:
            relevant += 1
            if queries.get(query):
                graded.setdefault(query, {})[passage] = grade
            else:
                unknown.append(query)
        elif len(negatives.get(query, ())) < limits.negatives:
            negatives.setdefault(query, []).append(passage)
    check_lost(len(unknown), relevant, f"name questions in {language} that are missing or empty", unknown, files)
    if not graded:
        raise UserError(f"{files}: no question in {language} has a relevant passage. Leave the language out.")
    positives = {
        query: sorted(grades, key=lambda passage: -grades[passage])[: limits.positives]
        for query, grades in graded.items()
    }
    return JudgedLanguage(
        language,
        {query: queries[query] for query in positives},
        positives,
        {query: found for query, found in negatives.items() if query in positives},
        passages,
        files,
        len(unknown),
    )


def check_lost(lost: int, relevant: int, what: str, examples: list[str], files: str) -> None:
    """Raise UserError where more than `LOST` of the `relevant` judgments are lost. `what` they do, for the message."""
    if lost > LOST * relevant:
        raise UserError(
            f"{files}: {lost} of {relevant} judgments {what}, such as {examples[0]!r}, more than {LOST:.0%}. Fetch "
            f"corpus, queries and judgments from one version of the set."
        )
