"""Recall@k divides by R, the number of relevant passages, as trec_eval does.

In the pooled setting of XQuAD-R recall@10 therefore cannot exceed 10/11. BEIR's "capped" recall is another metric.
"""

from __future__ import annotations

import numpy as np

from hybridret.metrics.metric import CutMetric
from hybridret.metrics.ranks import RankedRelevant, Values


def recall(relevant: RankedRelevant, cutoff: int) -> Values:
    """[n]: the share of a query's relevant passages at ranks up to `cutoff`."""
    return relevant.total((relevant.ranks <= cutoff).astype(np.float64)) / relevant.counts


METRIC = CutMetric(
    name="recall",
    title="R",
    position=40,
    values=recall,
    table="quality",
    overview=True,
    card=True,
    ending=(10, 100),
)
