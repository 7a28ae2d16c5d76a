"""nDCG@k as in trec_eval's `ndcg_cut`: linear gain, log2 discount, graded judgments."""

from __future__ import annotations

import numpy as np

from hybridret.base.records import IntArray
from hybridret.metrics.metric import CutMetric
from hybridret.metrics.ranks import RankedRelevant, Values


def ndcg(relevant: RankedRelevant, cutoff: int) -> Values:
    """[n]: sum of grade / log2(rank + 1) over ranks up to `cutoff`, divided by the sum of the ideal order."""
    # A table of discounts instead of a logarithm for each passage; the last entry is that of all ranks beyond.
    discounts = np.r_[np.inf, np.log2(np.arange(2.0, cutoff + 2)), np.inf]
    gain = relevant.grades / discounts[np.minimum(relevant.ranks, cutoff + 1)]
    ideal = _best_first(relevant) / discounts[np.minimum(relevant.ordinals, cutoff + 1)]
    return relevant.total(gain) / relevant.total(ideal)


def _best_first(relevant: RankedRelevant) -> IntArray:
    """The grades [r] of each query, the highest first: one sort of the grades packed with their query's number."""
    span = int(relevant.grades.max(initial=0)) + 1
    keys = relevant.queries * span + (span - 1 - relevant.grades)
    keys.sort()
    return span - 1 - (keys - relevant.queries * span)


METRIC = CutMetric(
    name="ndcg",
    title="nDCG",
    position=30,
    values=ndcg,
    table="quality",
    column=45,  # after recall, as in papers on cross-lingual retrieval
    card=True,
    ending=(10,),
)
