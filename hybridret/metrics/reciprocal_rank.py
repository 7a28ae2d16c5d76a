"""Reciprocal rank of the first relevant passage: MRR@k is cut at k, which trec_eval's `recip_rank` is not."""

from __future__ import annotations

import numpy as np

from hybridret.metrics.hits import NOT_FOUND
from hybridret.metrics.metric import CutMetric
from hybridret.metrics.ranks import RankedRelevant, Values


def reciprocal_rank(relevant: RankedRelevant, cutoff: int | None = None) -> Values:
    """[n]: 1 / rank of the best relevant passage, 0 if that rank is beyond `cutoff` (None: no cut)."""
    best = relevant.ranks[relevant.starts]
    found = best <= (NOT_FOUND - 1 if cutoff is None else cutoff)
    return np.where(found, 1.0 / best, 0.0)


METRIC = CutMetric(
    name="mrr",
    title="MRR",
    position=20,
    values=reciprocal_rank,
    table="quality",
    overview=True,
    card=True,
    ending=(10,),
)
