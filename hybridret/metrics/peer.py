"""PEER, the probability of equal expected rank (Yang et al., arXiv 2405.00978): a test of language fairness as a score.

For one query and one grade, the Kruskal-Wallis test asks whether the ranks of that grade's passages could come from one
distribution whatever their language; its p-value is the score, 1 is fair. A query's PEER is the weighted mean over its
grades. With one passage per language the test has nothing to compare and p is a constant. So a grade counts only if it
has passages in two languages or more, and at least two in each of these. A query without such a grade has no PEER.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from hybridret.base.records import IntArray
from hybridret.metrics.hits import NOT_FOUND
from hybridret.metrics.metric import LanguageMetric
from hybridret.metrics.ranks import Values


def peer(
    queries: IntArray,
    ranks: IntArray,
    grades: IntArray,
    languages: IntArray,
    weights: Mapping[int, float] | None = None,
) -> tuple[IntArray, Values]:
    """The queries that have a PEER, ascending, and its values. The arguments are parallel arrays [r] of judgments.

    Ranks are full ranks. Passages that are no hits (`NOT_FOUND`) are tied below all others and share their mean rank.
    If no passage of a grade is a hit, its value is 1. `weights` maps a grade to its weight (default: all equal; a grade
    that is missing has weight 0).
    """
    from scipy.special import chdtrc  # here: a report imports only METRIC; importing scipy.stats takes 0.5 s

    if not len(queries):
        return np.zeros(0, dtype=np.int64), np.zeros(0)
    order = np.lexsort((ranks, grades, queries))
    queries, grades, languages = queries[order], grades[order], languages[order]
    first = np.r_[True, (queries[1:] != queries[:-1]) | (grades[1:] != grades[:-1])]
    starts = np.flatnonzero(first)  # s strata: one query, one grade
    stratum = np.cumsum(first) - 1
    inner = np.arange(len(order)) - starts[stratum] + 1.0  # rank among the passages of the stratum
    missing = ranks[order] >= NOT_FOUND  # the last ones of each stratum
    tied = np.bincount(stratum, weights=missing)
    sizes = np.bincount(stratum)
    inner[missing] = (sizes - (tied - 1) / 2)[stratum[missing]]

    size = int(languages.max()) + 1
    cell = stratum * size + languages
    count = np.bincount(cell, minlength=len(starts) * size).reshape(-1, size)  # [s, L]
    rank_sum = np.bincount(cell, weights=inner, minlength=len(starts) * size).reshape(-1, size)
    present = count > 0
    tested = (present.sum(axis=1) >= 2) & np.all(~present | (count >= 2), axis=1)
    if not tested.any():
        return np.zeros(0, dtype=np.int64), np.zeros(0)
    count, rank_sum, tied = count[tested], rank_sum[tested], tied[tested]
    total = count.sum(axis=1)
    statistic = 12.0 / (total * (total + 1)) * (rank_sum**2 / np.maximum(count, 1)).sum(axis=1) - 3.0 * (total + 1)
    spread = 1.0 - (tied**3 - tied) / (total**3 - total)  # the test's correction for ties
    statistic = np.divide(statistic, spread, out=np.zeros(len(total)), where=spread > 0)
    p_values = chdtrc((count > 0).sum(axis=1) - 1, np.maximum(statistic, 0.0))  # the upper tail of chi-squared

    weight = (
        np.ones(len(p_values))
        if weights is None
        else np.array([weights.get(int(g), 0.0) for g in grades[starts][tested]])
    )
    found, slot = np.unique(queries[starts][tested], return_inverse=True)
    weight_sum = np.bincount(slot, weights=weight)
    kept = weight_sum > 0
    return found[kept], np.bincount(slot, weights=weight * p_values)[kept] / weight_sum[kept]


METRIC = LanguageMetric(
    name="peer",
    title="PEER",
    position=90,
    values=lambda ranked: peer(ranked.queries, ranked.ranks, ranked.grades, ranked.languages),
    help="1 = ranks do not depend on the language",
    table="bias",
)
