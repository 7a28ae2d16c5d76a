"""Success@k, also called hit rate or accuracy@k: is there any answer among the first k?"""

from __future__ import annotations

import numpy as np

from hybridret.metrics.metric import CutMetric
from hybridret.metrics.ranks import RankedRelevant, Values


def success(relevant: RankedRelevant, cutoff: int) -> Values:
    """[n]: 1 if any relevant passage is at a rank up to `cutoff`, else 0."""
    return (relevant.ranks[relevant.starts] <= cutoff).astype(np.float64)


METRIC = CutMetric(name="success", title="success", position=60, values=success)
