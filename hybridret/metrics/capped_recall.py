"""BEIR's capped recall: recall that can always reach 1."""

from __future__ import annotations

import numpy as np

from hybridret.metrics.metric import CutMetric
from hybridret.metrics.ranks import RankedRelevant, Values


def capped_recall(relevant: RankedRelevant, cutoff: int) -> Values:
    """[n]: relevant passages at ranks up to `cutoff` over min(R, cutoff), the most that there can be."""
    found = relevant.total((relevant.ranks <= cutoff).astype(np.float64))
    return found / np.minimum(relevant.counts, cutoff)


METRIC = CutMetric(name="capped_recall", title="capped R", position=50, values=capped_recall)
