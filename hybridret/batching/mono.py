"""mono (X-X-mono): the whole batch in one language (LAReQA, arXiv 2004.05484; arXiv 2408.10536)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from hybridret.base.records import ParallelPairs
from hybridret.batching.batch_type import BatchType, check_data, full_stream
from hybridret.batching.pairing import OneLanguage
from hybridret.batching.schedule import MixedSchedule
from hybridret.batching.strategy import Schedule
from hybridret.batching.streams import group_codes


@dataclass(frozen=True)
class Mono:
    """Each batch is in ONE language, drawn uniformly among the languages of its dataset."""

    def schedule(self, datasets: Sequence[ParallelPairs], batch_size: int) -> Schedule:
        return MixedSchedule([mono_type(datasets, batch_size)], [1.0])


def mono_type(datasets: Sequence[ParallelPairs], batch_size: int) -> BatchType:
    """One stream per dataset and language. Raises UserError where a language has too few passages for a batch."""
    check_data(datasets, batch_size)
    streams = []
    for dataset, pairs in enumerate(datasets):
        groups = group_codes(pairs)
        streams.append(
            tuple(
                full_stream(
                    "mono", pairs, (dataset, index + 1), pairs.present[:, index], groups, batch_size, OneLanguage(index)
                )
                for index in range(len(pairs.languages))
            )
        )
    return BatchType("mono", np.array([pairs.present.sum() for pairs in datasets]), tuple(streams))
