"""hybrid: each batch is mono with probability alpha, else cross (arXiv 2408.10536, beta = 1 - alpha)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

from hybridret.base.range_words import Because
from hybridret.base.ranges import Share, checked
from hybridret.base.records import ParallelPairs
from hybridret.batching.cross import cross_type
from hybridret.batching.mono import mono_type
from hybridret.batching.schedule import MixedSchedule
from hybridret.batching.strategy import Schedule


@checked("batching")
@dataclass(frozen=True)
class Hybrid:
    """`alpha` is the probability of a mono batch: hybrid(1) gives mono's batches and hybrid(0) cross's, bit by bit.

    Raises UserError when `alpha` is not a number from 0 to 1.
    """

    alpha: Annotated[
        Share,
        Because("It is the share of monolingual batches: 0 is all cross, 1 is all mono, 0.5 is the paper's choice."),
    ]

    def schedule(self, datasets: Sequence[ParallelPairs], batch_size: int) -> Schedule:
        parts = [(mono_type, self.alpha), (cross_type, 1 - self.alpha)]
        drawn = [(build(datasets, batch_size), share) for build, share in parts if share > 0]
        return MixedSchedule([part for part, _ in drawn], [share for _, share in drawn])
