"""Recall@k and success@k.

Recall divides by R, the number of relevant passages, as trec_eval does; BEIR's "capped" recall divides by min(R, k) and
is another measure. In the pooled setting of XQuAD-R recall@10 therefore cannot exceed 10/11.
"""

from __future__ import annotations

import numpy as np

from hybridret.metrics.ranks import RankedRelevant, Values


def recall(relevant: RankedRelevant, cutoff: int) -> Values:
    """[n]: the share of a query's relevant passages at ranks up to `cutoff`."""
    return relevant.total((relevant.ranks <= cutoff).astype(np.float64)) / relevant.counts


def success(relevant: RankedRelevant, cutoff: int) -> Values:
    """[n]: 1 if any relevant passage is at a rank up to `cutoff`, else 0."""
    return (relevant.ranks[relevant.starts] <= cutoff).astype(np.float64)


def capped_recall(relevant: RankedRelevant, cutoff: int) -> Values:
    """[n]: BEIR's capped recall, which divides by min(R, cutoff): 1 can always be reached."""
    found = relevant.total((relevant.ranks <= cutoff).astype(np.float64))
    return found / np.minimum(relevant.counts, cutoff)
