"""The leak check: the texts of the benchmarks are indexed, those of the training data stream past them, a slice at a
time. Texts of all languages are compared with each other: a text that was never translated is found, too.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain, pairwise
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from hybridret.base.progress import Advance, Progress, Quiet
from hybridret.base.records import BoolArray, Collection, IntArray, ParallelPairs
from hybridret.base.settings import LeakSettings
from hybridret.data.leaks.exact import BLANK, HashArray, HashIndex, text_hashes
from hybridret.data.leaks.near import SLICE, NearIndex, jaccard, shingles
from hybridret.data.leaks.normalise import normalised
from hybridret.data.leaks.sides import Side, TestTexts, TrainingSlice, global_ids, training_slices, training_texts
from hybridret.data.leaks.table import EXAMPLES, LONGEST, Example, Kind, Largest, LeakRow, LeakTable

SIDES: tuple[Side, ...] = ("questions", "passages")
NEGATIVES: Side = "negatives"


class TrainedOn(Protocol):
    """What a leak check reads of a source."""

    @property
    def templated(self) -> bool:
        """Whether almost equal texts are no leak."""
        ...

    def training(self) -> tuple[ParallelPairs, ...]:
        """The training pairs, one `ParallelPairs` per dataset."""
        ...


def leak_table(
    source: TrainedOn, collections: Sequence[Collection], settings: LeakSettings, progress: Progress | None = None
) -> LeakTable:
    """Which questions and relevant passages of `collections` the training part of `source` holds, and which of these
    passages are hard negatives of it. Negatives are no leak of an answer: they have rows, and no part in `largest`.

    Almost equal texts are not looked for in a source that is `templated`: its texts are so by design.

    Memory: about 300 bytes for each text of the benchmarks, 16 bytes for each of them and each training dataset.
    """
    datasets, templated = source.training(), source.templated
    asked = frozenset(chain.from_iterable(global_ids(one) for each in collections for one in each.query_ids))
    shared = [_shared_ids(pairs, asked) for pairs in datasets]
    rows: list[LeakRow] = []
    shares: list[Largest] = []
    compared: dict[str, dict[str, int]] = {one.name: {} for one in collections}
    trained: dict[str, int] = {}
    near: dict[str, bool] = {}
    sides = (*SIDES, NEGATIVES) if any(pairs.negatives for pairs in datasets) else SIDES
    for side in sides:
        tests = [TestTexts.of(one, side) for one in collections]
        for test in tests:
            compared[test.collection.name][side] = len(test.positions)
        trained[side] = sum(training_texts(pairs, side) for pairs in datasets)
        total = trained[side] + sum(map(len, tests))
        near[side] = not templated and (settings.near_up_to is None or total <= settings.near_up_to)
        with (progress or Quiet()).task(f"look for {side} of the benchmarks in the training data", total) as advance:
            search = _Search(tests, settings if near[side] else None, advance)
            matches = [search.matches(pairs, side) for pairs in datasets]
        for test, first in zip(tests, search.begins, strict=True):
            found = [
                _Found.of(test, first, one, pairs, ids)
                for one, pairs, ids in zip(matches, datasets, shared, strict=True)
            ]
            rows += [row for one in found for row in one.rows()]
            if side != NEGATIVES:
                shares += _shares(test, found)
    largest = max(shares, key=lambda one: one.share, default=None)
    return LeakTable(tuple(rows), compared, trained, largest, near, settings.threshold)


@dataclass(frozen=True)
class _Matches:
    """By text of the benchmarks [n]: the row of the dataset and the number of its language, -1 where nothing was found,
    and the similarity (1: equal)."""

    questions: IntArray
    languages: IntArray
    similarity: NDArray[np.float32]


class _Search:
    """The texts of one side of all benchmarks, one benchmark behind the other (`begins`: where each does)."""

    def __init__(self, tests: Sequence[TestTexts], near: LeakSettings | None, advance: Advance) -> None:
        self._tests, self._advance = tests, advance
        ends = np.cumsum([0, *map(len, tests)])
        self.begins: list[int] = ends[:-1].tolist()
        hashes = []
        for test in tests:
            for start in range(0, len(test), SLICE):
                rows = np.arange(start, min(start + SLICE, len(test)))
                hashes.append(text_hashes(normalised(test.read(rows))))
                advance(len(rows))
        self._index = HashIndex(np.concatenate(hashes) if hashes else np.zeros(0, np.uint64))
        self._near = near and NearIndex(self._read, len(self._index), near.threshold, near.permutations)

    def matches(self, pairs: ParallelPairs, side: Side) -> _Matches:
        questions: IntArray = np.full(len(self._index), -1)
        languages: IntArray = np.full(len(self._index), -1)
        similarity = np.zeros(len(self._index), dtype=np.float32)

        def note(entry: int, part: TrainingSlice, position: int, alike: float) -> None:
            if alike > similarity[entry]:
                questions[entry] = part.questions[position]
                languages[entry] = pairs.languages.index(part.language)
                similarity[entry] = alike

        for part in training_slices(pairs, side, SLICE):
            texts = normalised(part.texts)
            hashes, firsts = np.unique(text_hashes(texts), return_index=True)
            entries = self._index.find(hashes)
            for entry, position in zip(entries.tolist(), firsts.tolist(), strict=True):
                if entry >= 0:
                    note(entry, part, position, 1.0)
            if self._near:
                asked = np.sort(firsts[(entries < 0) & (hashes != BLANK)])
                for entry, position, alike in self._near.find(texts.take(asked), similarity < 1):
                    note(entry, part, int(asked[position]), min(alike, _BELOW_ONE))
            self._advance(len(part.texts))
        # From distinct texts to all.
        known = self._index.entries
        every = np.maximum(known, 0)
        if not len(self._index):
            return _Matches(known, known, np.zeros(len(known), np.float32))
        return _Matches(
            np.where(known < 0, -1, questions[every]),
            np.where(known < 0, -1, languages[every]),
            np.where(known < 0, np.float32(0), similarity[every]),
        )

    def _read(self, entries: IntArray) -> list[str]:
        rows = self._index.firsts[entries]
        owners = np.searchsorted(self.begins, rows, side="right") - 1
        texts = np.empty(len(rows), dtype=object)
        for owner in np.unique(owners).tolist():
            here = owners == owner
            texts[here] = self._tests[owner].read(rows[here] - self.begins[owner])
        return list(texts)


_BELOW_ONE = float(np.nextafter(np.float32(1), np.float32(0)))  # texts of equal shingles that are not equal


@dataclass(frozen=True)
class _Found:
    """What one dataset holds of one side of one benchmark, [N] each: no text is counted twice."""

    test: TestTexts
    pairs: ParallelPairs
    matches: _Matches
    exact: BoolArray
    near: BoolArray
    through_ids: BoolArray

    @classmethod
    def of(
        cls, test: TestTexts, first: int, all_matches: _Matches, pairs: ParallelPairs, ids: frozenset[str]
    ) -> _Found:
        matches = _best(all_matches, first, len(test.positions), test.contexts)
        exact = matches.similarity == 1
        near = (matches.similarity > 0) & ~exact
        seen = exact | near
        joined = test.translations(seen)
        # A published id names a question with its answer, which a negative is not.
        if ids and test.side != NEGATIVES:
            joined |= test.with_ids(ids)
        return cls(test, pairs, matches, exact, near, joined & ~seen)

    @property
    def any(self) -> BoolArray:
        return self.exact | self.near | self.through_ids

    def rows(self) -> list[LeakRow]:
        made = []
        for number, language in enumerate(self.test.collection.languages):
            here = self.test.languages == number
            if not (self.any & here).any():
                continue
            made.append(
                LeakRow(
                    dataset=self.pairs.name,
                    benchmark=self.test.collection.name,
                    side=self.test.side,
                    language=language,
                    texts=int(here.sum()),
                    exact=int((self.exact & here).sum()),
                    near=int((self.near & here).sum()),
                    through_ids=int((self.through_ids & here).sum()),
                    examples=self._examples(here),
                )
            )
        return made

    def _examples(self, here: BoolArray) -> tuple[Example, ...]:
        kinds: tuple[tuple[Kind, BoolArray], ...] = (
            ("exact", self.exact),
            ("near", self.near),
            ("through ids", self.through_ids),
        )
        found = [(kind, row) for kind, mask in kinds for row in np.flatnonzero(mask & here)[:EXAMPLES].tolist()]
        first = [next((one for one in found if one[0] == kind), None) for kind, _ in kinds]  # of each kind one, if any
        chosen = [one for one in first if one] + [one for one in found if one not in first]
        return tuple(self._example(kind, row) for kind, row in chosen[:EXAMPLES])

    def _example(self, kind: Kind, row: int) -> Example:
        (text,) = self.test.read(np.array([row]))
        if kind == "through ids":
            return Example(kind, text[:LONGEST], "", "", None)
        language = self.pairs.languages[int(self.matches.languages[row])]
        trained = self._trained(language, int(self.matches.questions[row]), text)
        alike = 1.0 if kind == "exact" else round(float(self.matches.similarity[row]), 3)
        return Example(kind, text[:LONGEST], trained[:LONGEST], language, alike)

    def _trained(self, language: str, question: int, text: str) -> str:
        """The text of the training data that was found: of several negatives the one that is most like `text`."""
        if self.test.side != NEGATIVES:
            column = self.pairs.queries if self.test.side == "questions" else self.pairs.passages
            return column[language][question] or ""
        texts = [one.text for one in self.pairs.negatives[language][question]]
        (own,) = _shingled([text])
        alike = [jaccard(own, one) if len(own) + len(one) else 0.0 for one in _shingled(texts)]
        equal = text_hashes(normalised([text, *texts]))
        return max(zip((equal[1:] == equal[0]).tolist(), alike, texts, strict=True), key=lambda one: one[:2])[2]


def _shingled(texts: Sequence[str]) -> list[HashArray]:
    hashes, bounds = shingles(normalised(texts))
    return [np.unique(hashes[start:stop]) for start, stop in pairwise(bounds.tolist())]


def _shared_ids(pairs: ParallelPairs, asked: frozenset[str]) -> frozenset[str]:
    """Which of the ids `asked` questions of the dataset have, too; all others are passed and forgotten."""
    if not asked:
        return asked
    return frozenset(one for identifier in pairs.question_ids for one in global_ids(identifier) if one in asked)


def _best(matches: _Matches, first: int, count: int, contexts: bool) -> _Matches:
    """Of the `count` texts that begin at `first`, and of the contexts behind them, the one that is more alike."""
    own = slice(first, first + count)
    if not contexts:
        return _Matches(matches.questions[own], matches.languages[own], matches.similarity[own])
    behind = slice(first + count, first + 2 * count)
    better = matches.similarity[behind] > matches.similarity[own]
    return _Matches(
        np.where(better, matches.questions[behind], matches.questions[own]),
        np.where(better, matches.languages[behind], matches.languages[own]),
        np.where(better, matches.similarity[behind], matches.similarity[own]),
    )


def _shares(test: TestTexts, found: Sequence[_Found]) -> list[Largest]:
    """By language, of all datasets together; only where something was found."""
    seen = np.logical_or.reduce([one.any for one in found]) if found else np.zeros(len(test.positions), dtype=bool)
    shares = []
    for number, language in enumerate(test.collection.languages):
        here = test.languages == number
        if (seen & here).any():
            shares.append(Largest(test.collection.name, test.side, language, int((seen & here).sum()), int(here.sum())))
    return shares
