"""hybrid: each batch is mono with probability alpha, else cross (arXiv 2408.10536, beta = 1 - alpha)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

from hybridret.base.range_words import Because
from hybridret.base.ranges import Share, checked
from hybridret.base.records import ParallelPairs
from hybridret.batching.cross import cross_type
from hybridret.batching.language_pairs import PairChoice, check_pairs
from hybridret.batching.mono import LanguageExponent, mono_type
from hybridret.batching.schedule import MixedSchedule
from hybridret.batching.strategy import Schedule

ADVICE = (
    "Or add a parallel dataset (data=mix): mono batches are drawn from all datasets, cross batches from those with "
    "questions in two languages. batching.alpha=1 draws no cross batches."
)


@checked("batching")
@dataclass(frozen=True)
class Hybrid:
    """`alpha` is the probability of a mono batch: hybrid(1) gives mono's batches and hybrid(0) cross's, bit by bit.

    `language_exponent` is used as in mono, `pairs` as in cross. Raises UserError when `alpha` or the exponent is not a
    number from 0 to 1, or `pairs` is none of its forms.
    """

    alpha: Annotated[
        Share,
        Because("It is the share of monolingual batches: 0 is all cross, 1 is all mono, 0.5 is the paper's choice."),
    ]
    language_exponent: LanguageExponent = 0.0
    pairs: PairChoice = "all"

    def __post_init__(self) -> None:
        check_pairs(self.pairs)

    def schedule(self, datasets: Sequence[ParallelPairs], batch_size: int) -> Schedule:
        types, shares = [], []
        if self.alpha > 0:
            types.append(mono_type(datasets, batch_size, self.language_exponent))
            shares.append(self.alpha)
        if self.alpha < 1:
            types.append(cross_type(datasets, batch_size, self.pairs, ADVICE))
            shares.append(1 - self.alpha)
        return MixedSchedule(types, shares)
