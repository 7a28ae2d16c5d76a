"""nDCG@k as in trec_eval's `ndcg_cut`: linear gain, log2 discount, graded judgments."""

from __future__ import annotations

import numpy as np

from hybridret.metrics.metric import CutMetric
from hybridret.metrics.ranks import RankedRelevant, Values


def ndcg(relevant: RankedRelevant, cutoff: int) -> Values:
    """[n]: sum of grade / log2(rank + 1) over ranks up to `cutoff`, divided by the sum of the ideal order."""
    gain = np.where(relevant.ranks <= cutoff, relevant.grades / np.log2(relevant.ranks + 1.0), 0.0)
    best_first = relevant.grades[np.lexsort((-relevant.grades, relevant.queries))]
    ordinals = relevant.ordinals
    ideal = np.where(ordinals <= cutoff, best_first / np.log2(ordinals + 1.0), 0.0)
    return relevant.total(gain) / relevant.total(ideal)


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
