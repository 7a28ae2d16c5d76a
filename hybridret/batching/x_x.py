"""x_x: each pair is monolingual, languages mixed inside the batch: negatives come from all (arXiv 2004.05484)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from hybridret.base.records import ParallelPairs
from hybridret.batching.batch_type import BatchType, check_data, dataset_chances, full_stream
from hybridret.batching.pairing import SameLanguage
from hybridret.batching.question_sources import questions_of
from hybridret.batching.schedule import MixedSchedule
from hybridret.batching.strategy import Schedule


@dataclass(frozen=True)
class XX:
    """Each row is in one language, drawn for each row uniformly among the languages of its question."""

    def schedule(self, datasets: Sequence[ParallelPairs], batch_size: int) -> Schedule:
        return MixedSchedule([x_x_type(datasets, batch_size)], [1.0])


def x_x_type(datasets: Sequence[ParallelPairs], batch_size: int) -> BatchType:
    """One stream per dataset, over its questions in all languages. Raises UserError where they cannot fill a batch."""
    check_data(datasets, batch_size)
    streams, sizes = [], []
    for dataset, pairs in enumerate(datasets):
        questions = questions_of(pairs)
        held = questions.patterns.sum(axis=1)
        pairing = SameLanguage(questions.present)
        streams.append((full_stream("x_x", pairs, (dataset, 0), questions, held >= 1, batch_size, pairing),))
        sizes.append(int(questions.counts @ held))
    return BatchType("x_x", dataset_chances(np.array(sizes), datasets), tuple(streams))
