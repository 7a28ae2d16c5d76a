"""cross (X-Y): every pair has a query language different from its passage language (LAReQA; arXiv 2408.10536)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from hybridret.base.errors import UserError
from hybridret.base.records import ParallelPairs
from hybridret.batching.batch_type import BatchType, all_languages, check_data, full_stream
from hybridret.batching.pairing import DifferentLanguages
from hybridret.batching.schedule import MixedSchedule
from hybridret.batching.strategy import Schedule
from hybridret.batching.streams import Stream, group_codes


@dataclass(frozen=True)
class Cross:
    """Each row has its own ordered pair of different languages, drawn uniformly among those that its question has."""

    def schedule(self, datasets: Sequence[ParallelPairs], batch_size: int) -> Schedule:
        return MixedSchedule([cross_type(datasets, batch_size)], [1.0])


def cross_type(datasets: Sequence[ParallelPairs], batch_size: int) -> BatchType:
    """One stream per dataset, over its questions in two languages or more; datasets without such are left out.

    Raises UserError when no dataset has such questions, or a dataset has too few of them for a batch.
    """
    check_data(datasets, batch_size)
    sizes = np.zeros(len(datasets), dtype=np.int64)
    streams: list[tuple[Stream, ...]] = []
    for dataset, pairs in enumerate(datasets):
        several = pairs.present.sum(axis=1) >= 2
        sizes[dataset] = pairs.present[several].sum()
        if not sizes[dataset]:
            streams.append(())
            continue
        pairing = DifferentLanguages(pairs.present)
        streams.append((full_stream("cross", pairs, (dataset, 0), several, group_codes(pairs), batch_size, pairing),))
    if not sizes.any():
        languages = all_languages(datasets)
        raise UserError(
            f"Batching 'cross' needs two languages, the data has only {languages[0]}. Add a translation, or train with "
            f"batching=mono."
            if len(languages) == 1
            else f"Batching 'cross' needs questions in two languages, and in the data ({', '.join(languages)}) every "
            f"question exists in one only. Give translations the same question id, or train with batching=mono."
        )
    return BatchType("cross", sizes, tuple(streams))
