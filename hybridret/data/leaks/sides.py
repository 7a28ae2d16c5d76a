"""The texts of one side: those of the benchmarks, and those that are trained on.

Questions are compared with questions, and relevant passages with passages. Relevant passages are also compared with
hard negatives, a side of its own: whoever trained on such a text knows it, but as a wrong answer.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from hybridret.base.records import Collection, IntArray, Negative, ParallelPairs
from hybridret.base.scratch import CHUNK, scratch_array
from hybridret.data.columns import Column
from hybridret.data.prepared.distinct import text_hash
from hybridret.data.prepared.question_sets import StoredArray
from hybridret.data.prepared.stored_pairs import StoredNegatives, StoredPairs, questions_in
from hybridret.data.prepared.stored_texts import StoredTexts

Negatives = Sequence[tuple[Negative, ...]]  # of each question
Side = Literal["questions", "passages", "negatives"]

_ID = re.compile(r"[0-9a-f-]{16,}")
_LETTERS_OF_AN_ID = 6


@dataclass(frozen=True)
class TestTexts:
    """One side of one benchmark: N questions, or the N passages that are judged relevant.

    A passage that nobody asks for is a distractor, and to have met it gives no answer away. `positions` [N] in the
    collection. `languages` [N] index those of the collection. `contexts`: whether `read` gives the paragraphs behind
    the N texts as N further ones: whoever trained on the paragraph has seen the sentence.
    """

    collection: Collection
    side: Side
    positions: IntArray
    languages: IntArray

    @classmethod
    def of(cls, collection: Collection, side: Side) -> TestTexts:
        if side == "questions":
            return cls(collection, side, np.arange(len(collection.queries)), collection.query_languages)
        positions = np.unique(collection.relevant_passages)
        return cls(collection, side, positions, collection.passage_languages[positions])

    @property
    def contexts(self) -> bool:
        return self.side != "questions" and self.collection.contexts is not None

    def __len__(self) -> int:
        """Texts to compare: N, or twice as many with contexts."""
        return len(self.positions) * (2 if self.contexts else 1)

    def read(self, rows: IntArray) -> list[str]:
        """The texts at `rows`, each below `len(self)`; from N on these are contexts."""
        own = rows < len(self.positions)
        texts = self.collection.queries if self.side == "questions" else self.collection.passages
        if own.all():
            return _taken(texts, self.positions[rows])
        assert self.collection.contexts is not None
        found = np.empty(len(rows), dtype=object)
        found[own] = _taken(texts, self.positions[rows[own]])
        found[~own] = _taken(self.collection.contexts, self.positions[rows[~own] - len(self.positions)])
        return list(found)

    def translations(self, seen: np.ndarray) -> np.ndarray:
        """[N] the texts in other languages that the judgments join with those that are `seen` [N].

        Questions of one cluster are translations. So are the passages of a cluster where each language has one of them
        at most; of several nobody knows which belongs to which.
        """
        clusters, members = self._clusters()
        pairs = np.unique(np.stack([clusters, members, self.languages[members]], axis=1), axis=0)
        clusters, members, languages = pairs.T
        if self.side != "questions":
            _, which, times = np.unique(pairs[:, [0, 2]], axis=0, return_inverse=True, return_counts=True)
            several = np.unique(clusters[times[which.reshape(-1)] > 1])
            kept = ~np.isin(clusters, several)
            clusters, members, languages = clusters[kept], members[kept], languages[kept]
        wide = len(self.collection.languages)
        tainted = np.unique(clusters[seen[members]] * wide + languages[seen[members]])
        count = np.bincount(tainted // wide, minlength=int(clusters.max(initial=-1)) + 1)  # languages of a cluster
        others = count[clusters] - np.isin(clusters * wide + languages, tainted)
        reached = np.zeros(len(self.positions), dtype=bool)
        reached[members[others > 0]] = True
        return reached

    def with_ids(self, ids: frozenset[str]) -> np.ndarray:
        """[N] the questions whose published id is among `ids`, or the passages that are relevant to one of them."""
        collection = self.collection
        asked = np.array([bool(ids.intersection(global_ids(one))) for one in collection.query_ids], dtype=bool)
        if self.side == "questions":
            return asked
        return np.isin(self.positions, collection.relevant_passages[asked[collection.relevant_queries]])

    def _clusters(self) -> tuple[IntArray, IntArray]:
        """Pairs of a cluster of questions and a row [M]."""
        collection = self.collection
        if self.side == "questions":
            return collection.questions, np.arange(len(self.positions))
        rows = np.searchsorted(self.positions, collection.relevant_passages)
        return collection.questions[collection.relevant_queries], rows


@dataclass(frozen=True)
class TrainingSlice:
    """Some texts of one language: `questions` [m] are their rows in the dataset; of negatives those of their questions,
    which then repeat."""

    language: str
    questions: IntArray
    texts: Sequence[str]


def training_slices(pairs: ParallelPairs, side: Side, size: int) -> Iterator[TrainingSlice]:
    """All texts of a side, `size` at a time; a passage that several questions share once in each language."""
    if side == "negatives":
        for language, negatives in pairs.negatives.items():
            yield from _negatives(language, negatives, size)
        return
    for number, language in enumerate(pairs.languages):
        column = (pairs.queries if side == "questions" else pairs.passages)[language]
        for chosen in _of_size(_first_rows(pairs, number) if side == "passages" else _rows(pairs, number), size):
            yield TrainingSlice(language, chosen, [text or "" for text in _texts(column, chosen)])


def training_texts(pairs: ParallelPairs, side: Side) -> int:
    """How many texts `training_slices` gives."""
    if side == "negatives":
        return sum(_count(negatives) for negatives in pairs.negatives.values())
    languages = range(len(pairs.languages))
    if side == "questions":
        return sum(questions_in(pairs, number).count for number in languages)
    return sum(len(rows) for number in languages for rows in _first_rows(pairs, number))


def _rows(pairs: ParallelPairs, language: int) -> Iterator[IntArray]:
    """The questions that exist in a language, some at a time."""
    own = questions_in(pairs, language)
    for start in range(0, own.count, CHUNK):
        yield own.part(start, min(start + CHUNK, own.count)).astype(np.int64)


def _first_rows(pairs: ParallelPairs, language: int) -> Iterator[IntArray]:
    """Of each passage of a language the first question that has it, some at a time. A passage group may have several;
    equal texts of one group are one passage.
    """
    column = pairs.passages[pairs.languages[language]]
    if isinstance(pairs, StoredPairs) and pairs.sets is not None and isinstance(column, StoredTexts):
        return _first_stored_rows(column, pairs.sets.codes, _rows(pairs, language), pairs.sets.code_count)
    rows = np.flatnonzero(pairs.present[:, language])
    first: dict[tuple[int, str | None], int] = {}
    for row, group, text in zip(rows.tolist(), pairs.passage_groups[rows].tolist(), _texts(column, rows), strict=True):
        first.setdefault((group, text), row)
    return iter([np.array(list(first.values()), dtype=np.int64)])


def _first_stored_rows(
    column: StoredTexts, codes: StoredArray, questions: Iterable[IntArray], groups: int
) -> Iterator[IntArray]:
    """`_first_rows` of prepared data. In memory are hashes of the passages of groups that have several."""
    every = StoredTexts(column.path)
    seen = scratch_array(column.stored, np.bool_)
    first: IntArray = scratch_array(groups, np.int64)  # 1 + the row of the first passage of each group; 0: none yet
    known: dict[int, set[int]] = {}
    for rows in questions:
        stored = rows if column.rows is None else np.asarray(column.rows[rows])
        own, at = np.unique(stored, return_index=True)
        at = np.sort(at[~seen[own]])
        seen[own] = True
        rows, stored, group = rows[at], stored[at], codes[rows[at]]
        named, begin = np.unique(group, return_index=True)
        begin = begin[first[named] == 0]
        first[group[begin]] = stored[begin] + 1
        kept = np.zeros(len(rows), dtype=bool)
        kept[begin] = True
        later = np.flatnonzero(~kept)
        texts, begun = every.take(stored[later]), every.take(first[group[later]] - 1)
        for position, code, text, one in zip(later.tolist(), group[later].tolist(), texts, begun, strict=True):
            found = known.setdefault(code, {text_hash(one or "")})
            kept[position] = text_hash(text or "") not in found
            found.add(text_hash(text or ""))
        yield rows[kept]


def _of_size(parts: Iterable[IntArray], size: int) -> Iterator[IntArray]:
    """The numbers of all parts, `size` at a time."""
    kept: IntArray = np.zeros(0, dtype=np.int64)
    for part in parts:
        kept = np.concatenate([kept, part])
        whole = len(kept) - len(kept) % size
        for start in range(0, whole, size):
            yield kept[start : start + size]
        kept = kept[whole:]
    if len(kept):
        yield kept


def _texts(column: Sequence[str | None], rows: IntArray) -> list[str | None]:
    return column.take(rows) if isinstance(column, StoredTexts) else [column[row] for row in rows.tolist()]


def _negatives(language: str, negatives: Negatives, size: int) -> Iterator[TrainingSlice]:
    for start in range(0, len(negatives), size):
        rows = negatives[start : start + size]
        owners = np.repeat(np.arange(start, start + len(rows)), [len(row) for row in rows])
        texts = [one.text for row in rows for one in row]
        for first in range(0, len(texts), size):
            yield TrainingSlice(language, owners[first : first + size], texts[first : first + size])


def _count(negatives: Negatives) -> int:
    return len(negatives.texts) if isinstance(negatives, StoredNegatives) else sum(map(len, negatives))


def global_ids(text: str) -> list[str]:
    """Parts of an id that no other data set has by chance: hashes and UUIDs, as SQuAD and MLQA number their questions.

    >>> global_ids("en:56be4db0acb8001400a502ec"), global_ids("de:17"), global_ids("q-0000000000000001")
    (['56be4db0acb8001400a502ec'], [], [])
    """
    return [found for found in _ID.findall(text) if len(set(found)) >= _LETTERS_OF_AN_ID]


def _taken(texts: Sequence[str], positions: IntArray) -> list[str]:
    return texts.take(positions) if isinstance(texts, Column) else [texts[position] for position in positions.tolist()]
