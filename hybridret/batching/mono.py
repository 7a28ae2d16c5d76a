"""mono (X-X-mono): the whole batch in one language (LAReQA, arXiv 2004.05484; arXiv 2408.10536)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

import numpy as np

from hybridret.base.range_words import Because
from hybridret.base.ranges import Share, checked
from hybridret.base.records import ParallelPairs
from hybridret.batching.batch_type import BatchType, check_data, dataset_chances, full_stream
from hybridret.batching.pairing import OneLanguage
from hybridret.batching.question_sources import questions_of
from hybridret.batching.schedule import MixedSchedule
from hybridret.batching.strategy import Schedule

LanguageExponent = Annotated[
    Share,
    Because(
        "A language is drawn in proportion to its number of questions to this power: 0 is uniform, 1 is in proportion."
    ),
]


@checked("batching")
@dataclass(frozen=True)
class Mono:
    """Each batch is in ONE language, drawn among the languages of its dataset: in proportion to n^`language_exponent`,
    where n is the number of questions that the dataset has in the language. 0 draws uniformly.

    Raises UserError when `language_exponent` is not a number from 0 to 1.
    """

    language_exponent: LanguageExponent = 0.0

    def schedule(self, datasets: Sequence[ParallelPairs], batch_size: int) -> Schedule:
        return MixedSchedule([mono_type(datasets, batch_size, self.language_exponent)], [1.0])


def mono_type(datasets: Sequence[ParallelPairs], batch_size: int, language_exponent: float = 0.0) -> BatchType:
    """One stream per dataset and language. Raises UserError where a language has too few passages for a batch."""
    check_data(datasets, batch_size)
    streams = []
    counts = []
    for dataset, pairs in enumerate(datasets):
        questions = questions_of(pairs)
        spoken = questions.patterns
        streams.append(
            tuple(
                full_stream(
                    "mono", pairs, (dataset, index + 1), questions, spoken[:, index], batch_size, OneLanguage(index)
                )
                for index in range(len(pairs.languages))
            )
        )
        counts.append(questions.counts @ spoken)
    # Uniform draws stay what they were before there were exponents, bit by bit.
    weights = tuple(own.astype(np.float64) ** language_exponent for own in counts) if language_exponent else None
    return BatchType(
        "mono", dataset_chances(np.array([own.sum() for own in counts]), datasets), tuple(streams), weights
    )
