"""The judgments of a collection, and the pools of passages in which an evaluation ranks them.

Every setting uses one of two rankings. In the monolingual and the cross-lingual setting a relevant passage is ranked
among the passages of its own language; in the multilingual setting it is ranked among all passages.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from hybridret.base.errors import UserError, nearest
from hybridret.base.records import BoolArray, Collection, IntArray
from hybridret.metrics.metric import CROSS_LINGUAL, MONOLINGUAL, MULTILINGUAL, SETTINGS

SLICE = 1 << 17  # passage ids read at a time


@dataclass(frozen=True)
class PassagePool:
    """One pool of passages: `passages` [P'], ascending indices; `judgments` [r], those to be ranked in it, by query;
    `unmet` [u], the judgments whose passages the pool lacks."""

    language: int  # -1: the pool of all languages
    passages: IntArray
    judgments: IntArray
    unmet: IntArray


class Judgments:
    """Parallel arrays [R] in the order of the queries: `queries`, `passages`, `grades` and the languages of both.

    They include the collection's `unmet` judgments. The passages of these have numbers after those of the corpus, and
    their grade is raised to at least 1: a query without any relevant passage then has a judgment that is never found,
    and so 0 in every metric. `present` [R] is true for the other judgments, whose passages are ranked.
    """

    def __init__(self, collection: Collection) -> None:
        unmet, held = collection.unmet, len(collection.passage_ids)
        passages = np.r_[collection.relevant_passages, held + np.arange(len(unmet))]
        queries = np.r_[collection.relevant_queries, unmet.queries]
        order = np.lexsort((passages, queries))
        self.collection = collection
        self.queries: IntArray = queries[order]
        self.passages: IntArray = passages[order]
        self.present: BoolArray = self.passages < held
        self.grades: IntArray = np.r_[collection.grades, np.maximum(unmet.grades, 1)][order]
        self.query_languages: IntArray = collection.query_languages[self.queries]
        spoken = np.r_[collection.passage_languages[collection.relevant_passages], unmet.languages]
        self.passage_languages: IntArray = spoken[order]
        again = (self.queries[1:] == self.queries[:-1]) & (self.passages[1:] == self.passages[:-1])
        if again.any():
            row = int(np.argmax(again))
            raise UserError(
                f"{collection.name}: query {collection.query_ids[self.queries[row]]!r} judges passage "
                f"{collection.passage_ids[self.passages[row]]!r} twice. Keep one judgment for each pair."
            )
        if (self.grades <= 0).any():
            row = int(np.argmax(self.grades <= 0))
            raise UserError(
                f"{collection.name}: query {collection.query_ids[self.queries[row]]!r} has a judgment of grade "
                f"{self.grades[row]}. Leave out passages that are not relevant: only grades above 0 are kept."
            )

    def __len__(self) -> int:
        return len(self.queries)

    @cached_property
    def identical(self) -> IntArray:
        """[Q]: the passage with the same id as the query, -1 if no passage has it."""
        number = {identifier: query for query, identifier in enumerate(self.collection.query_ids)}
        found = np.full(len(number), -1, dtype=np.int64)
        ids = self.collection.passage_ids
        for start in range(0, len(ids), SLICE):
            for position, identifier in enumerate(ids[start : start + SLICE], start):
                if identifier in number:
                    found[number[identifier]] = position
        return found

    @cached_property
    def dropped(self) -> BoolArray:
        """[R]: whether the judged passage has the id of its query and `collection.drop_identical` makes it no hit."""
        if not self.collection.drop_identical:
            return np.zeros(len(self), dtype=bool)
        dropped: BoolArray = self.identical[self.queries] == self.passages
        return dropped

    @cached_property
    def relevant_languages(self) -> IntArray:
        """[Q, L]: how many relevant passages that can be hits each query has in each language."""
        languages, queries = len(self.collection.languages), len(self.collection.query_ids)
        cell = (self.queries * languages + self.passage_languages)[self.present & ~self.dropped]
        return np.bincount(cell, minlength=queries * languages).reshape(-1, languages)

    def of_setting(self, setting: str) -> BoolArray:
        """[R]: the judgments that count in `setting`. Raises UserError for an unknown setting."""
        same: BoolArray = self.query_languages == self.passage_languages
        masks: dict[str, BoolArray] = {
            MONOLINGUAL: same,
            CROSS_LINGUAL: ~same & (self.passage_languages >= 0),
            MULTILINGUAL: np.ones(len(self), dtype=bool),
        }
        if setting not in masks:
            raise UserError(f"evaluation.settings: unknown setting {setting!r}. {nearest(setting, SETTINGS)}")
        return masks[setting]

    def pools(self, settings: Sequence[str]) -> Iterator[PassagePool]:
        """The pools that `settings` need, the pool of all languages last."""
        own = np.zeros(len(self), dtype=bool)
        for setting in settings:
            mask = self.of_setting(setting)
            if setting != MULTILINGUAL:
                own |= mask
        for language in range(len(self.collection.languages)):
            rows = own & (self.passage_languages == language)
            if rows.any():
                yield self._pool(language, np.flatnonzero(self.collection.passage_languages == language), rows)
        if MULTILINGUAL in settings and len(self):
            yield self._pool(-1, np.arange(len(self.collection.passage_ids)), np.ones(len(self), dtype=bool))

    def _pool(self, language: int, passages: IntArray, rows: BoolArray) -> PassagePool:
        return PassagePool(
            language, passages, np.flatnonzero(rows & self.present), np.flatnonzero(rows & ~self.present)
        )

    def asked(self, pool: PassagePool) -> IntArray:
        """[q]: the queries that have a judgment in `pool`, ascending."""
        return np.unique(self.queries[np.r_[pool.judgments, pool.unmet]])


def largest_pool(collection: Collection, settings: Iterable[str]) -> int:
    """The number of passages of the largest pool that `settings` need."""
    if MULTILINGUAL in settings:
        return len(collection.passage_ids)
    sizes = np.bincount(collection.passage_languages, minlength=1)
    return int(sizes.max())
