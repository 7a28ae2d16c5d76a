"""BEIR's capped recall: recall whose best possible value is always 1."""

from __future__ import annotations

import numpy as np

from hybridret.metrics.metric import CutMetric
from hybridret.metrics.ranks import RankedRelevant, Values


def capped_recall(relevant: RankedRelevant, cutoff: int) -> Values:
    """[n]: relevant passages at ranks up to `cutoff` over min(R, cutoff), the largest possible number."""
    found = relevant.total((relevant.ranks <= cutoff).astype(np.float64))
    return found / np.minimum(relevant.counts, cutoff)


METRIC = CutMetric(name="capped_recall", title="capped R", position=50, values=capped_recall)
