"""curriculum: hybrid batches whose alpha changes over the training, such as from cross to mono, or there and back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

from annotated_types import Ge, Le

from hybridret.base.range_words import Because
from hybridret.base.ranges import Share, checked
from hybridret.base.records import ParallelPairs
from hybridret.batching.alpha_path import AlphaPath, Shape
from hybridret.batching.cross import cross_type
from hybridret.batching.language_pairs import PairChoice, check_pairs
from hybridret.batching.mono import LanguageExponent, mono_type
from hybridret.batching.schedule import MixedSchedule
from hybridret.batching.strategy import Schedule

LONGEST = 10**12  # steps; times the number of turns it is still exact as a double
ADVICE = (
    "Or add a parallel dataset (data=mix): mono batches are drawn from all datasets, cross batches from those with "
    "questions in two languages."
)

Alpha = Annotated[Share, Because("It is the probability of a monolingual batch: 0 is all cross, 1 is all mono.")]


@checked("batching")
@dataclass(frozen=True)
class Curriculum:
    """`AlphaPath` gives the probability of a mono batch at each step. If it is constant, the batches equal those of
    hybrid bit by bit.

    `language_exponent` is used as in mono, `pairs` as in cross. Raises UserError for a value that is out of its range.
    """

    shape: Shape
    start: Alpha
    end: Alpha
    turns: Annotated[int, Ge(0), Le(1000), Because("0 goes from start to end, 1 back to start again, 2 to end again.")]
    steps: Annotated[int, Ge(1), Le(LONGEST), Because("After so many steps alpha is constant.")]
    language_exponent: LanguageExponent = 0.0
    pairs: PairChoice = "all"

    def __post_init__(self) -> None:
        check_pairs(self.pairs)

    def schedule(self, datasets: Sequence[ParallelPairs], batch_size: int) -> Schedule:
        """A type that is never drawn is not built: if alpha is always 1, data in one language are enough."""
        types = []
        if self.start > 0 or self.end > 0:
            types.append(mono_type(datasets, batch_size, self.language_exponent))
        if self.start < 1 or self.end < 1:
            types.append(cross_type(datasets, batch_size, self.pairs, ADVICE))
        path = AlphaPath(self.shape, self.start, self.end, self.turns, self.steps)
        return MixedSchedule(types, path.shares if len(types) == 2 else [1.0])
