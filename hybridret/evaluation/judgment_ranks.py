"""The measured rank and entropy of each judgment of a collection."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from hybridret.base.records import IntArray
from hybridret.evaluation.judgments import Judgments, PassagePool
from hybridret.metrics.hits import NOT_FOUND
from hybridret.metrics.ranks import Values


@dataclass(frozen=True)
class Measured:
    """Ranks and entropies of each judgment [R]: in the corpus of its passage's language (`own`), and in the pool of all
    languages (`pool`).

    Rank 0 and NaN mean not measured; an unmet judgment has rank `NOT_FOUND`. `awrf` [Q] is measured in the pool of all
    languages. `depth`: the number of hits searched for each query; None: ranks are full.
    """

    own_ranks: IntArray
    pool_ranks: IntArray
    own_entropy: Values
    pool_entropy: Values
    awrf: Values
    depth: int | None

    @classmethod
    def empty(cls, judgments: Judgments, depth: int | None) -> Measured:
        """Arrays without any measured value; they are filled in place."""
        count, queries = len(judgments), len(judgments.collection.query_ids)
        ranks = np.where(judgments.present, 0, NOT_FOUND)
        return cls(
            ranks,
            ranks.copy(),
            np.full(count, np.nan),
            np.full(count, np.nan),
            np.full(queries, np.nan),
            depth,
        )

    def of(self, pool: PassagePool) -> tuple[IntArray, Values]:
        """The arrays of ranks and entropies that `pool` fills: those of the pool of all languages, or `own`."""
        pooled = pool.language < 0
        return (self.pool_ranks, self.pool_entropy) if pooled else (self.own_ranks, self.own_entropy)
