"""en_en: English questions with English passages only, the zero-shot baseline (LAReQA, arXiv 2004.05484)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from hybridret.base.errors import UserError
from hybridret.base.languages import among
from hybridret.base.records import ParallelPairs
from hybridret.batching.batch_type import AnyStream, BatchType, all_languages, check_data, dataset_chances, full_stream
from hybridret.batching.pairing import OneLanguage
from hybridret.batching.question_sources import questions_of
from hybridret.batching.schedule import MixedSchedule
from hybridret.batching.strategy import Schedule


@dataclass(frozen=True)
class EnEn:
    """Every batch is in `language`, English by default; datasets without it are left out."""

    language: str = "en"

    def schedule(self, datasets: Sequence[ParallelPairs], batch_size: int) -> Schedule:
        return MixedSchedule([en_en_type(datasets, batch_size, self.language)], [1.0])


def en_en_type(datasets: Sequence[ParallelPairs], batch_size: int, language: str) -> BatchType:
    """One stream per dataset in `language`. Raises UserError when there is none, or one is too small for a batch."""
    check_data(datasets, batch_size)
    language = among(language, all_languages(datasets)) or language
    sizes = np.zeros(len(datasets), dtype=np.int64)
    streams: list[tuple[AnyStream, ...]] = []
    for dataset, pairs in enumerate(datasets):
        if language not in pairs.languages:
            streams.append(())
            continue
        index = pairs.languages.index(language)
        questions = questions_of(pairs)
        usable = questions.patterns[:, index]
        key = (dataset, index + 1)
        sizes[dataset] = questions.counts[usable].sum()
        streams.append((full_stream("en_en", pairs, key, questions, usable, batch_size, OneLanguage(index)),))
    if not sizes.any():
        raise UserError(
            f"Batching 'en_en' needs the language '{language}', which the training data lacks: it has "
            f"{', '.join(all_languages(datasets))}. Add '{language}' to the data's languages, or set batching.language."
        )
    return BatchType("en_en", dataset_chances(sizes, datasets), tuple(streams))
