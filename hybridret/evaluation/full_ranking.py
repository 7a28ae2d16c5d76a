"""Scores to full ranks, tile by tile: the matrix of all queries and passages is never held.

Cosines do not depend on the pool, so each tile of queries is scored once against all passages, and the ranking of each
language uses the columns of that language. Other scorers (BM25) get an index per pool, and a passage that they give no
score is no hit, as in searched pools.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from hybridret.base.errors import UserError
from hybridret.base.progress import Advance, Progress
from hybridret.base.records import Collection, FloatArray, IntArray
from hybridret.base.settings import EvaluationSettings
from hybridret.evaluation.judgment_ranks import Measured
from hybridret.evaluation.judgments import Judgments, PassagePool
from hybridret.evaluation.topk_ranking import excluded_from
from hybridret.metrics.awrf import DEPTH, awrf
from hybridret.metrics.entropy import contrastive_entropy, sample_passages
from hybridret.metrics.ranks import NO_HIT, ranks_in, sort_keys, tie_positions
from hybridret.retrieval.protocols import PassageIndex, Retriever

TILE = 1 << 22  # scores of a tile: 16 MB of fp32, 32 MB of keys


def measure(
    retriever: Retriever,
    judgments: Judgments,
    settings: EvaluationSettings,
    used: Sequence[str],
    seed: int,
    progress: Progress,
) -> Measured:
    """Rank every judgment that the settings `used` need, in full. Raises UserError naming the query if a score is NaN
    or infinite.
    """
    collection = judgments.collection
    result = Measured.empty(judgments, None)
    rankers = [
        _Ranker(pool, judgments, retriever.cosine, settings, seed, result)
        for pool in judgments.pools(used)
        if len(pool.judgments)
    ]
    # With only the monolingual setting, scores against other languages would not be used.
    shared = retriever.cosine and (len(rankers) > 1 and set(used) != {"monolingual"})
    groups = [rankers] if shared else [[one] for one in rankers]
    for group in groups:
        whole = np.arange(len(collection.passage_ids)) if len(group) > 1 else group[0].pool.passages
        index = retriever.index(collection, whole, progress)
        asked = np.unique(np.concatenate([judgments.queries[one.pool.judgments] for one in group]))
        with progress.task(f"rank {collection.name} {_name(group, collection)}", len(asked)) as advance:
            _rank(index, whole, asked, group, judgments, advance)
    return result


def _name(group: Sequence[_Ranker], collection: Collection) -> str:
    language = group[0].pool.language if len(group) == 1 else -1
    return "in all languages" if language < 0 else f"in {collection.languages[language]}"


def _rank(
    index: PassageIndex,
    whole: IntArray,
    asked: IntArray,
    group: Sequence[_Ranker],
    judgments: Judgments,
    advance: Advance,
) -> None:
    collection = judgments.collection
    step = max(1, TILE // max(1, len(whole)))
    tie_order = collection.tie_order[whole]
    for start in range(0, len(asked), step):
        tile = asked[start : start + step]
        scores = index.scores(tile)
        _check(np.where(scores == -np.inf, 0, scores) if index.partial else scores, tile, whole, collection)
        keys = sort_keys(scores, tie_order)
        if collection.drop_identical:
            _put_last(keys, judgments.identical[tile], whole)
        for ranker in group:
            ranker.rank(tile, whole, scores, keys)
        advance(len(tile))


class _Ranker:
    """Ranks the judgments of one pool, from tiles of scores for the passages of the pool, and possibly further ones."""

    def __init__(
        self,
        pool: PassagePool,
        judgments: Judgments,
        cosine: bool,
        settings: EvaluationSettings,
        seed: int,
        result: Measured,
    ) -> None:
        self.pool = pool
        self._judgments = judgments
        self._result = result
        self._queries = judgments.queries[pool.judgments]
        self._temperature = settings.entropy_temperature
        collection = judgments.collection
        self._sample = (
            sample_passages(collection.passage_ids, pool.passages, settings.entropy_sample, seed)
            if cosine
            else np.zeros(0, dtype=np.int64)
        )
        self._cosine = cosine
        if pool.language < 0:
            self._language_at = np.empty(len(collection.passage_ids), dtype=np.int64)  # by tie position
            self._language_at[collection.tie_order] = collection.passage_languages

    def rank(self, tile: IntArray, whole: IntArray, scores: FloatArray, keys: IntArray) -> None:
        """Use one tile: `scores` and `keys` [q, P'] of queries `tile` [q] for passages `whole` [P'] (both ascend)."""
        begin, end = np.searchsorted(self._queries, tile[0]), np.searchsorted(self._queries, tile[-1], side="right")
        rows = self.pool.judgments[begin:end]
        if not len(rows):
            return
        asked, row_of = np.unique(self._queries[begin:end], return_inverse=True)
        in_tile = np.searchsorted(tile, asked)[row_of]
        columns = np.searchsorted(whole, self._judgments.passages[rows])
        wanted = keys[in_tile, columns]
        ordered = keys[np.searchsorted(tile, asked)]
        if len(self.pool.passages) < len(whole):
            ordered = np.ascontiguousarray(ordered[:, np.searchsorted(whole, self.pool.passages)])
        ordered.sort(axis=1)
        ranks = ranks_in(ordered, row_of, wanted)
        pooled = self.pool.language < 0
        kept_ranks, kept_entropy = self._result.of(self.pool)
        kept_ranks[rows] = ranks
        if pooled:
            top = ordered[:, :DEPTH]
            hit = top < NO_HIT
            languages = np.where(hit, self._language_at[np.where(hit, tie_positions(top), 0)], -1)
            self._result.awrf[asked] = awrf(languages, self._judgments.relevant_languages[asked])
        if self._cosine:
            sampled = scores[np.ix_(np.searchsorted(tile, asked), np.searchsorted(whole, self._sample))]
            entropy = contrastive_entropy(
                sampled,
                excluded_from(self._sample, self._judgments.passages[rows], row_of, len(asked)),
                row_of,
                scores[in_tile, columns],
                self._temperature,
            )
            kept_entropy[rows] = entropy


def _put_last(keys: IntArray, identical: IntArray, whole: IntArray) -> None:
    """Give the passage with the id of the query the last key: it is no hit, and does not change any other rank."""
    columns = np.searchsorted(whole, identical)
    present = (identical >= 0) & (whole[np.minimum(columns, len(whole) - 1)] == identical)
    rows = np.flatnonzero(present)
    keys[rows, columns[rows]] = np.iinfo(np.int64).max


def _check(scores: FloatArray, tile: IntArray, whole: IntArray, collection: Collection) -> None:
    """Raise UserError for NaN, which has no rank, and for infinite scores, which tie although they may not be equal."""
    finite = np.isfinite(scores)
    if not finite.all():
        row, column = np.argwhere(~finite)[0]
        raise UserError(
            f"{collection.name}: the score of query {collection.query_ids[tile[row]]!r} for passage "
            f"{collection.passage_ids[whole[column]]!r} is {scores[row, column]}, so it cannot be ranked. The encoder "
            f"gives vectors that are not finite: check its weights, or encode in fp32 (evaluation.precision=fp32)."
        )
