"""Rank distance: how far apart one ranking puts the parallel answers of a question (arXiv 2408.10536, language bias).

A ranker that prefers no language puts the answers side by side: the distance is R - 1. One that sorts by language
spreads them over the whole pool.
"""

from __future__ import annotations

import numpy as np

from hybridret.metrics.ranks import RankedRelevant, Values


def rank_distance(relevant: RankedRelevant) -> Values:
    """[n]: worst minus best rank of a query's relevant passages in the pooled full ranking, in ranks."""
    if not len(relevant):
        return np.zeros(0)
    best = relevant.ranks[relevant.starts]
    worst = np.maximum.reduceat(relevant.ranks, relevant.starts)
    return (worst - best).astype(np.float64)


def random_rank_distance(relevant: int, pool: int) -> float:
    """What a random ranking of `pool` passages gives on average for `relevant` answers: (P + 1)(R - 1) / (R + 1).

    >>> round(random_rank_distance(11, 13014))
    10846
    """
    return (pool + 1) * (relevant - 1) / (relevant + 1)
