"""AWRF, attention-weighted rank fairness: does each language get the attention that its relevant passages deserve?

Attention falls with rank as 1 / log2(rank + 1). The exposure of a language is its share of the attention of the first
`DEPTH` ranks; the target is its share of the query's relevant passages. AWRF is 1 - the Jensen-Shannon divergence (base
2) of the two, the distance of the TREC Fair Ranking tracks: 1 is fair, 0 is a list of languages without any answer.
Deeper ranks are left out: they are so many that their attention dominates, and any ranking of a whole pool looks fair.
"""

from __future__ import annotations

import numpy as np

from hybridret.base.records import IntArray
from hybridret.metrics.metric import MULTILINGUAL, ScoredMetric
from hybridret.metrics.ranks import Values

DEPTH = 20


def awrf(top_languages: IntArray, relevant_counts: IntArray) -> Values:
    """[q] in 0..1; 0 for a query without hits, NaN for a query without relevant passages that has hits.

    `top_languages` [q, d]: the language at each rank, -1 below the last hit (such ranks give no exposure).
    `relevant_counts` [q, L]: relevant passages by language.
    """
    queries, depth = top_languages.shape
    size = relevant_counts.shape[1]
    attention = np.where(top_languages >= 0, 1.0 / np.log2(np.arange(depth) + 2.0), 0.0)
    cell = np.maximum(top_languages, 0) + np.arange(queries)[:, None] * size
    total = np.bincount(cell.ravel(), weights=attention.ravel(), minlength=queries * size).reshape(queries, size)
    given = total.sum(axis=1, keepdims=True)
    exposure: Values = total / np.where(given > 0, given, 1.0)
    counts = relevant_counts.sum(axis=1, keepdims=True)
    target = np.divide(relevant_counts, counts, out=np.full(relevant_counts.shape, np.nan), where=counts > 0)
    middle = (exposure + target) / 2.0
    fair = 1.0 - (_divergence(exposure, middle) + _divergence(target, middle)) / 2.0
    return np.where(given[:, 0] > 0, fair, 0.0)


def _divergence(p: Values, q: Values) -> Values:
    """Kullback-Leibler divergence in bits per row; 0 log 0 = 0, and q > 0 wherever p > 0."""
    ratio = np.divide(p, q, out=np.ones_like(p), where=p > 0)
    result: Values = (p * np.log2(ratio)).sum(axis=1)
    return result


METRIC = ScoredMetric(
    name="awrf",
    title="AWRF",
    position=100,
    settings=(MULTILINGUAL,),
    help="1 = exposure in proportion to relevance",
    table="bias",
)
