"""Rank distance: how far apart one ranking puts the answers to a question in different languages (arXiv 2408.10536).

It is a bias between languages: each language counts with its best-ranked relevant passage, and a query whose relevant
passages are all in one language has no value. A ranker that prefers no language puts L parallel answers side by side:
the distance is L - 1. A ranker that sorts by language spreads them over the whole pool.
"""

from __future__ import annotations

import numpy as np

from hybridret.base.records import IntArray
from hybridret.metrics.metric import LanguageMetric, Summary
from hybridret.metrics.ranks import Values


def rank_distance(queries: IntArray, ranks: IntArray, languages: IntArray, pool: int) -> tuple[IntArray, Values]:
    """The queries with relevant passages in two languages or more, ascending, and the worst minus the best rank of
    their languages. The arguments are parallel arrays [r] of judgments, with ranks in one pool of all languages.

    A passage that is no hit (`NOT_FOUND`) gets the last rank: `pool`, the number of passages.
    """
    order = np.lexsort((ranks, languages, queries))
    queries, languages = queries[order], languages[order]
    best = np.r_[True, (queries[1:] != queries[:-1]) | (languages[1:] != languages[:-1])][: len(order)]
    asked, starts, counts = np.unique(queries[best], return_index=True, return_counts=True)
    if not len(asked):
        return asked, np.zeros(0)
    found = np.minimum(ranks[order][best], pool)
    distance = np.maximum.reduceat(found, starts) - np.minimum.reduceat(found, starts)
    return asked[counts > 1], distance[counts > 1].astype(np.float64)


def random_rank_distance(relevant: int, pool: int) -> float:
    """Expected rank distance of a random ranking: (P + 1)(R - 1) / (R + 1).

    P is `pool`, the number of passages; R is `relevant`, the number of answers, each in a language of its own.

    >>> round(random_rank_distance(11, 13014))
    10846
    """
    return (pool + 1) * (relevant - 1) / (relevant + 1)


def _median(values: Values, pool: int) -> float:
    return float(np.median(values))


def _share(values: Values, pool: int) -> float:
    return float(values.sum() / len(values) / pool)  # distances are whole numbers: their sum is exact


METRIC = LanguageMetric(
    name="rank_distance",
    title="rank distance",
    position=80,
    better=-1,
    values=lambda ranked: rank_distance(ranked.queries, ranked.ranks, ranked.languages, ranked.pool),
    form="rank",
    help="mean over queries, then over languages",
    table="bias",
    card=True,
    ending=(0,),
    summaries=(
        Summary(name="rank_distance_median", title="median", form="rank", of=_median),
        Summary(name="rank_distance_share", title="share of pool", form="percent", of=_share),
    ),
)
