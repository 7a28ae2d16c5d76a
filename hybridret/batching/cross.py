"""cross (X-Y): every pair has a query language different from its passage language (LAReQA; arXiv 2408.10536)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from hybridret.base.errors import UserError
from hybridret.base.languages import script_of
from hybridret.base.records import BoolArray, ParallelPairs
from hybridret.batching.batch_type import AnyStream, BatchType, all_languages, check_data, dataset_chances, full_stream
from hybridret.batching.language_pairs import ALL, SCRIPT, PairChoice, Weights, check_pairs, chosen_pairs, shown_pairs
from hybridret.batching.pairing import ChosenPairs, DifferentLanguages, Present
from hybridret.batching.question_sources import questions_of
from hybridret.batching.schedule import MixedSchedule
from hybridret.batching.strategy import Schedule


@dataclass(frozen=True)
class Cross:
    """Each row has its own ordered pair of different languages, drawn uniformly among those that its question has.

    `pairs` restricts them or gives them weights (`language_pairs`). Raises UserError when it has none of its forms.
    """

    pairs: PairChoice = ALL

    def __post_init__(self) -> None:
        check_pairs(self.pairs)

    def schedule(self, datasets: Sequence[ParallelPairs], batch_size: int) -> Schedule:
        return MixedSchedule([cross_type(datasets, batch_size, self.pairs)], [1.0])


def cross_type(
    datasets: Sequence[ParallelPairs],
    batch_size: int,
    choice: str | Sequence[str] | Mapping[str, Any] = ALL,
    advice: str = "",
) -> BatchType:
    """One stream per dataset, over its questions that exist in both languages of a pair of `choice`; datasets without
    such are left out.

    advice: what else can be done where there are none, for the message.

    Raises UserError when no dataset has such questions, a dataset has too few of them for a batch, or a pair that
    `choice` names has none.
    """
    check_data(datasets, batch_size)
    languages = all_languages(datasets)
    chosen = chosen_pairs(choice, languages)
    sizes = np.zeros(len(datasets), dtype=np.int64)
    streams: list[tuple[AnyStream, ...]] = []
    every = [questions_of(pairs) for pairs in datasets]
    for dataset, (pairs, questions) in enumerate(zip(datasets, every, strict=True)):
        own = questions.present
        pairing = DifferentLanguages(own) if chosen is None else _pairing(own, pairs.languages, chosen)
        rows = pairing.rows(questions.patterns)
        sizes[dataset] = questions.counts @ rows.sum(axis=1)
        if not sizes[dataset]:
            streams.append(())
            continue
        restriction = "" if chosen is None else f" with batching.pairs={shown_pairs(choice)}"
        usable: BoolArray = np.any(rows, axis=1)
        stream = full_stream("cross", pairs, (dataset, 0), questions, usable, batch_size, pairing, restriction)
        streams.append((stream,))
    if not sizes.any():
        raise UserError(_nothing_left(choice, languages) + (advice and f" {advice}"))
    if chosen is not None and not isinstance(choice, str):
        _check_each(chosen, [(pairs.languages, own.patterns) for pairs, own in zip(datasets, every, strict=True)])
    return BatchType("cross", dataset_chances(sizes, datasets), tuple(streams))


def _pairing(present: Present, languages: Sequence[str], chosen: Weights) -> ChosenPairs:
    """The chosen pairs whose languages the dataset has, perhaps none."""
    column = {language: index for index, language in enumerate(languages)}
    own = {pair: weight for pair, weight in chosen.items() if column.keys() >= set(pair)}
    queries, passages = (np.array([column[pair[side]] for pair in own], dtype=np.int64) for side in (0, 1))
    return ChosenPairs(present, queries, passages, np.array(list(own.values()), dtype=np.float64))


def _check_each(chosen: Weights, datasets: Sequence[tuple[tuple[str, ...], BoolArray]]) -> None:
    """Raise UserError for a pair that has no question: it was named, and would never be drawn."""
    for query, passage in chosen:
        if not any(_in_both(*one, query, passage) for one in datasets if {query, passage} <= set(one[0])):
            raise UserError(
                f"batching.pairs: no question of the training data exists in both languages of {query}-{passage}. "
                f"Leave the pair out, or add the translations."
            )


def _in_both(languages: tuple[str, ...], patterns: BoolArray, query: str, passage: str) -> bool:
    one, other = (patterns[:, languages.index(language)] for language in (query, passage))
    return bool((one & other).any())


def _nothing_left(choice: str | Sequence[str] | Mapping[str, Any], languages: Sequence[str]) -> str:
    if len(languages) == 1:
        return (
            f"Batching 'cross' needs two languages, the data has only {languages[0]}. Add a translation, or train with "
            f"batching=mono."
        )
    if choice == ALL:
        return (
            f"Batching 'cross' needs questions in two languages, and in the data ({', '.join(languages)}) every "
            f"question exists in one only. Give translations the same question id, or train with batching=mono."
        )
    shown = [f"{one} ({script_of(one)})" if choice == SCRIPT else one for one in languages]
    return (
        f"batching.pairs={shown_pairs(choice)}: no question of the training data ({', '.join(shown)}) exists in both "
        f"languages of such a pair. Choose other pairs, like batching.pairs={ALL}, add data, or train with "
        f"batching=mono."
    )
