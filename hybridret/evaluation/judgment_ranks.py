"""What each judgment of a collection reached."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from hybridret.base.records import IntArray
from hybridret.evaluation.judgments import Judgments, PassagePool
from hybridret.metrics.hits import NOT_FOUND
from hybridret.metrics.ranks import Values


@dataclass(frozen=True)
class Measured:
    """What each judgment [R] reached in the corpus of its passage's language (`own`) and in the pool of all languages.

    A rank of 0 and a NaN were not measured; an unmet judgment is not found. `awrf` [Q] belongs to the pool. `depth`:
    hits looked at; None: ranks are full.
    """

    own_ranks: IntArray
    pool_ranks: IntArray
    own_entropy: Values
    pool_entropy: Values
    awrf: Values
    depth: int | None

    @classmethod
    def empty(cls, judgments: Judgments, depth: int | None) -> Measured:
        """Nothing measured yet; the arrays are filled in place."""
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
        """Ranks and entropies of the kind of pool that `pool` is."""
        pooled = pool.language < 0
        return (self.pool_ranks, self.pool_entropy) if pooled else (self.own_ranks, self.own_entropy)
