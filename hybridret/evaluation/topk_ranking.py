"""Ranks from the best hits of a search, for pools that are too large for full ranks.

A judged passage beyond the depth of the search has no rank. Metrics with a cutoff up to this depth are exact, and
metrics that need full ranks (rank distance, PEER, mAP without a cutoff) are left out.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Protocol

import numpy as np

from hybridret.base.errors import UserError
from hybridret.base.progress import Progress
from hybridret.base.records import BoolArray, Collection, FloatArray, Hits, IntArray
from hybridret.base.settings import EvaluationSettings
from hybridret.evaluation.judgment_ranks import Measured
from hybridret.evaluation.judgments import Judgments, PassagePool
from hybridret.metrics.awrf import DEPTH, awrf
from hybridret.metrics.entropy import contrastive_entropy, sample_passages
from hybridret.metrics.hits import drop_identical, ranks_in_hits
from hybridret.metrics.ranks import Values
from hybridret.retrieval.protocols import Retriever

QUERIES = 1024  # queries whose scores for the sample of contrastive entropy are held at a time


class CosineRetriever(Protocol):
    """The methods that contrastive entropy needs from a retriever, in addition to its search."""

    def pair_scores(
        self, collection: Collection, queries: IntArray, passages: IntArray, progress: Progress
    ) -> FloatArray: ...

    def cross_scores(
        self, collection: Collection, queries: IntArray, passages: IntArray, progress: Progress
    ) -> FloatArray: ...


def search_pool(
    retriever: Retriever, judgments: Judgments, pool: PassagePool, depth: int, progress: Progress
) -> tuple[IntArray, Hits]:
    """The queries [q] that have a judgment in `pool`, ascending, and their best `depth` passages in it.

    With `collection.drop_identical` a passage with the id of its query is no hit. Raises UserError when the passages of
    a language are not contiguous in the corpus.
    """
    collection = judgments.collection
    first, last = int(pool.passages[0]), int(pool.passages[-1]) + 1
    if last - first != len(pool.passages):
        raise UserError(
            f"{collection.name}: the passages of a language do not stand side by side, so they can only be ranked in "
            f"full: raise evaluation.full_ranks above {len(collection.passage_ids)}."
        )
    asked = judgments.asked(pool)
    extra = int(collection.drop_identical)
    hits = retriever.search(collection, asked, first, last, depth + extra, progress)
    return asked, drop_identical(hits, judgments.identical[asked], depth) if extra else hits


def measure_searched(
    retriever: Retriever,
    judgments: Judgments,
    settings: EvaluationSettings,
    used: Sequence[str],
    seed: int,
    progress: Progress,
) -> Measured:
    """`measure` for large pools: searches each for the best `settings.depth` passages."""
    result = Measured.empty(judgments, settings.depth)
    for pool in judgments.pools(used):
        if not len(pool.judgments):
            continue
        asked, hits = search_pool(retriever, judgments, pool, settings.depth, progress)
        rows = pool.judgments
        row_of = np.searchsorted(asked, judgments.queries[rows])
        ranks, entropy = result.of(pool)
        ranks[rows] = ranks_in_hits(hits.passages, row_of, judgments.passages[rows], len(judgments.collection.passages))
        if pool.language < 0:
            result.awrf[asked] = _awrf(judgments, asked, hits.passages[:, :DEPTH])
        if retriever.cosine:
            entropy[rows] = _entropy(retriever, judgments, pool, settings, seed, progress)  # type: ignore[arg-type]
    return result


def _awrf(judgments: Judgments, asked: IntArray, top: IntArray) -> Values:
    """AWRF of queries [q] from their best passages [q, d]."""
    languages = np.where(top >= 0, judgments.collection.passage_languages[top], -1)
    value: Values = awrf(languages, judgments.relevant_languages[asked])
    return value


def _entropy(
    retriever: CosineRetriever,
    judgments: Judgments,
    pool: PassagePool,
    settings: EvaluationSettings,
    seed: int,
    progress: Progress,
) -> Values:
    """[r]: contrastive entropy of the judgments of a pool, as in full ranking. Scores only the sample and positives."""
    collection, rows = judgments.collection, pool.judgments
    sample = sample_passages(collection.passage_ids, pool.passages, settings.entropy_sample, seed)
    positives = retriever.pair_scores(collection, judgments.queries[rows], judgments.passages[rows], progress)
    found = np.empty(len(rows))
    for begin, end, asked, row_of in _portions(judgments.queries[rows]):
        sampled = retriever.cross_scores(collection, asked, sample, progress)
        excluded = excluded_from(sample, judgments.passages[rows[begin:end]], row_of, len(asked))
        found[begin:end] = contrastive_entropy(
            sampled, excluded, row_of, positives[begin:end], settings.entropy_temperature
        )
    return found


def excluded_from(sample: IntArray, passages: IntArray, row_of: IntArray, queries: int) -> BoolArray:
    """[q, S]: whether a passage of `sample` [S], ascending, is relevant for a query.

    `passages` [r] are the relevant passages, `row_of` [r] the rows of their queries, `queries` their number.
    """
    excluded = np.zeros((queries, len(sample)), dtype=bool)
    slot = np.minimum(np.searchsorted(sample, passages), len(sample) - 1)
    hit = sample[slot] == passages
    excluded[row_of[hit], slot[hit]] = True
    return excluded


def _portions(queries: IntArray) -> Iterator[tuple[int, int, IntArray, IntArray]]:
    """Ranges of judgments of at most `QUERIES` queries: begin, end, the queries, and the query row of each judgment."""
    asked, row_of = np.unique(queries, return_inverse=True)
    for start in range(0, len(asked), QUERIES):
        part = asked[start : start + QUERIES]
        begin, end = np.searchsorted(queries, part[0]), np.searchsorted(queries, part[-1], side="right")
        yield int(begin), int(end), part, row_of[begin:end] - start
