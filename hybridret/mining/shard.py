"""The negatives of some questions in one language of passages: search, rules, choice."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Protocol

import numpy as np

from hybridret.base.progress import Progress
from hybridret.base.records import BoolArray, Collection, FloatArray, Hits, IntArray, ParallelPairs
from hybridret.base.settings import MiningSettings
from hybridret.mining.candidates import chosen, in_window, mixed, reached, too_close
from hybridret.mining.distinct import DistinctPassages, RowIds
from hybridret.mining.known import KnownAnswers

EXTRA = 16  # hits beyond the window in a first search: most questions have fewer known answers
HELD = 1 << 22  # hits held at a time


class PairScorer(Protocol):
    """What gives scores to pairs of a query and a passage: a judge."""

    def pair_scores(
        self, collection: Collection, queries: IntArray, passages: IntArray, progress: Progress
    ) -> FloatArray:
        """[n]: the score of `passages[i]` for `queries[i]`, both indices [n] of the collection."""
        ...


class Miner(PairScorer, Protocol):
    """A retriever whose hits become negatives."""

    def search(
        self, collection: Collection, queries: IntArray, first: int, last: int, depth: int, progress: Progress
    ) -> Hits:
        """The best `depth` of the passages `first` to `last` - 1 for query indices [q] of the collection."""
        ...


@dataclass(frozen=True)
class _Searched(Collection):
    """A collection of passages in the order of their ids."""

    @cached_property
    def tie_order(self) -> IntArray:
        return np.arange(len(self.passage_ids))[::-1].copy()


@dataclass(frozen=True)
class Shard:
    """`questions` [n] of `pairs`, which ask in the languages `asking` [n] (indices; -1: they do not ask)."""

    pairs: ParallelPairs
    passages: DistinctPassages
    known: KnownAnswers
    questions: IntArray
    asking: IntArray

    def mine(
        self, retriever: Miner, judge: PairScorer | None, settings: MiningSettings, seed: int, progress: Progress
    ) -> tuple[IntArray, Counter[str]]:
        """[n, N]: rows of the passage file, best first, -1 where there are fewer; and what was counted.

        The result does not depend on the other questions of the shard, as far as scores do not.
        """
        rows = np.full((len(self.questions), settings.negatives), -1, dtype=np.int64)
        counts = Counter(questions=len(self.questions))
        work = _Work(self, self.collection(), retriever, judge, settings, seed, progress)
        if len(work.asked) and len(self.passages):
            for queries, hits, answers in work.searched():
                rows[work.asked[queries]] = work.selected(queries, hits, answers, counts)
        found = (rows >= 0).sum(axis=1)[work.asked]
        counts.update(
            asked=len(work.asked),
            kept=int(found.sum()),
            fewer=int(((found > 0) & (found < settings.negatives)).sum()),
            without=int((found == 0).sum()),
        )
        return rows, counts

    def collection(self) -> Collection:
        """The questions that ask, and the passages, as a retriever searches them."""
        asked = np.flatnonzero(self.asking >= 0)
        texts: list[str] = [""] * len(asked)
        for language in np.unique(self.asking[asked]).tolist():
            column = self.pairs.queries[self.pairs.languages[language]]
            for position in np.flatnonzero(self.asking[asked] == language).tolist():
                texts[position] = str(column[int(self.questions[asked[position]])])
        nothing, count = np.zeros(0, dtype=np.int64), len(self.passages)
        spoken = self.pairs.languages.index(self.passages.language)
        return _Searched(
            name=self.pairs.name,
            languages=self.pairs.languages,
            query_ids=RowIds(len(asked)),
            queries=texts,
            query_languages=self.asking[asked],
            questions=np.arange(len(asked)),
            passage_ids=RowIds(count),
            passages=self.passages.texts,  # type: ignore[arg-type]  # no row of these lacks a text
            passage_languages=np.full(count, spoken, dtype=np.int64),
            relevant_queries=nothing,
            relevant_passages=nothing,
            grades=nothing,
            fingerprint=self.passages.fingerprint,
        )


class _Work:
    """A shard at work. Queries are numbered as in its collection: those that ask."""

    def __init__(
        self,
        shard: Shard,
        collection: Collection,
        retriever: Miner,
        judge: PairScorer | None,
        settings: MiningSettings,
        seed: int,
        progress: Progress,
    ) -> None:
        self.shard, self.collection, self.retriever, self.judge = shard, collection, retriever, judge
        self.settings, self.seed, self.progress = settings, seed, progress
        self.asked = np.flatnonzero(shard.asking >= 0)
        self._questions, self._asking = shard.questions[self.asked], shard.asking[self.asked]
        self._positives = shard.passages.of_question[self._questions]

    def searched(self) -> Iterator[tuple[IntArray, Hits, BoolArray]]:
        """Queries, their hits [q, k], and which of these are known answers. Queries whose hits are too few without
        known answers are searched again, deeper.
        """
        total, last = len(self.shard.passages), self.settings.last
        depth, pending = min(last + EXTRA, total), np.arange(len(self.asked))
        while len(pending):
            again: list[IntArray] = []
            step = max(1, HELD // depth)
            for start in range(0, len(pending), step):
                queries = pending[start : start + step]
                hits = self.retriever.search(self.collection, queries, 0, total, depth, self.progress)
                answers = self.shard.known.answers(self._questions[queries], self._asking[queries], hits.passages)
                whole = hits.passages >= 0
                short = ((whole & ~answers).sum(axis=1) < last) & whole.all(axis=1) & (depth < total)
                again.append(queries[short])
                yield queries[~short], Hits(hits.passages[~short], hits.scores[~short]), answers[~short]
            pending, depth = np.concatenate(again), min(2 * depth, total)

    def selected(self, queries: IntArray, hits: Hits, answers: BoolArray, counts: Counter[str]) -> IntArray:
        """[q, N]: the rows that are kept of `hits` [q, k]."""
        settings = self.settings
        valid = (hits.passages >= 0) & ~answers
        window = in_window(valid, settings.first, settings.last)
        counts.update(answers=int((answers & reached(valid, settings.last)).sum()), window=int(window.sum()))
        kept = window
        if settings.margin is not None or settings.relative_margin is not None:
            best = self._scores(self.retriever, queries, self._positives[queries])[:, None]
            kept = window & ~too_close(hits.scores, best, settings.margin, settings.relative_margin)
            counts.update(margin=int(window.sum() - kept.sum()))
        if self.judge is not None:
            kept = self._judged(queries, hits, kept, counts)
        positions = chosen(kept, settings.negatives, self._keys(queries, hits) if settings.draw == "random" else None)
        found = np.take_along_axis(hits.passages, np.maximum(positions, 0), axis=1)
        return np.where(positions < 0, -1, self.shard.passages.rows[found])

    def _judged(self, queries: IntArray, hits: Hits, kept: BoolArray, counts: Counter[str]) -> BoolArray:
        """`kept` [q, k] without those that the judge takes for answers."""
        assert self.judge is not None
        rows, columns = np.nonzero(kept)
        best = self._scores(self.judge, queries, self._positives[queries])
        scores = self._scores(self.judge, queries[rows], hits.passages[rows, columns])
        margins = self.settings.judge_margin, self.settings.judge_relative_margin
        close = too_close(scores, best[rows], *margins)
        counts.update(judge=int(close.sum()))
        left = kept.copy()
        left[rows[close], columns[close]] = False
        return left

    def _scores(self, scorer: PairScorer, queries: IntArray, passages: IntArray) -> FloatArray:
        """[n]; 0 for a passage that shares no word with the query (BM25)."""
        found = scorer.pair_scores(self.collection, queries, passages, self.progress)
        return np.where(np.isneginf(found), np.float32(0), found)

    def _keys(self, queries: IntArray, hits: Hits) -> np.ndarray[tuple[int, ...], np.dtype[np.uint64]]:
        """[q, k]: numbers that draw among hits, by question and passage, whatever the order of the hits."""
        rows = self.shard.passages.rows[np.maximum(hits.passages, 0)].astype(np.uint64)
        return mixed(self.seed, self._questions[queries].astype(np.uint64)[:, None], rows)
