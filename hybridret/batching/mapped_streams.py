"""Streams of large data: the batches of `Stream`, bit for bit, from arrays that lie in files.

An epoch of 20 million questions takes 80 MB, and making it 400 MB more; here all of it is in scratch files, whose pages
the system takes back when it needs memory. Every step works on a chunk at a time, or sorts and shuffles a mapped array
where it lies.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hybridret.base.records import BoolArray, IntArray
from hybridret.base.scratch import CHUNK, scratch_array
from hybridret.batching.draw import Purpose, generator
from hybridret.batching.pairing import Pairing
from hybridret.batching.streams import Order, most_batches, rank_within_group
from hybridret.data.prepared.question_sets import QuestionSet, QuestionSets


class MappedEpoch:
    """The batches of one epoch: item k is [B] question indices."""

    nbytes = 0  # of memory

    def __init__(self, order: Order, slots: IntArray, batch_size: int) -> None:
        self._order, self._slots = order, slots
        self._steps = np.arange(batch_size) * len(slots)

    def __len__(self) -> int:
        return len(self._slots)

    def __getitem__(self, slot: int) -> Order:
        taken: Order = self._order[self._slots[slot] + self._steps]
        return taken


@dataclass(frozen=True)
class MappedStream:
    """The questions of the patterns where `usable` [P] is true, as a `Stream` draws them."""

    key: tuple[int, int]
    sets: QuestionSets
    usable: BoolArray
    batch_size: int
    batches: int
    pairing: Pairing

    def __reduce__(self) -> tuple[Any, ...]:
        # Without the arrays in scratch files, which other processes make anew.
        return MappedStream, (self.key, self.sets, self.usable, self.batch_size, self.batches, self.pairing)

    @cached_property
    def questions(self) -> QuestionSet:
        """What is drawn from."""
        return self.sets.of(self.usable)

    def epoch(self, seed: int, epoch: int) -> MappedEpoch:
        """As `Stream.epoch`. Raises UserError where the disk of the cache folder is full."""
        random = generator(seed, Purpose.EPOCH, *self.key, epoch)
        questions = self.questions
        order: Order = scratch_array(questions.count, np.int32)
        for start, stop in _chunks(questions.count):
            order[start:stop] = questions.part(start, stop)
        random.shuffle(order)  # Generator.permutation is a copy, shuffled in this way
        if questions.largest > self.batches:
            order = order[: self._without_surplus(order)]
        order = order[: self.batches * self.batch_size]
        if questions.largest > 1:
            order = self._together(order)
        slots: IntArray = scratch_array(self.batches, np.int64)
        for start, stop in _chunks(self.batches):
            slots[start:stop] = np.arange(start, stop)
        random.shuffle(slots)
        return MappedEpoch(order, slots, self.batch_size)

    @cached_property
    def _large(self) -> IntArray:
        """The codes of the groups with more questions than there are batches: fewer than a batch has rows."""
        own: NDArray[np.int32] = scratch_array(self.questions.count, np.int32)
        for start, stop in _chunks(len(own)):
            own[start:stop] = self.sets.codes[self.questions.part(start, stop)]
        own.sort()
        found: set[int] = set()
        for start in range(0, len(own) - self.batches, CHUNK):
            part = own[start : min(start + CHUNK, len(own) - self.batches)]
            later = own[start + self.batches : start + self.batches + len(part)]
            found.update(part[part == later].tolist())
        return np.array(sorted(found), dtype=np.int64)

    def _without_surplus(self, order: Order) -> int:
        """Move what is kept of large groups, and all other questions, to the front of `order`; returns how many."""
        reached = 0
        earlier = np.zeros(len(self._large), dtype=np.int64)
        for start, stop in _chunks(len(order)):
            part = order[start:stop].copy()
            codes = self.sets.codes[part]
            large = np.flatnonzero(np.isin(codes, self._large))
            group = np.searchsorted(self._large, codes[large])
            counts = np.bincount(group, minlength=len(self._large))
            rank = rank_within_group(group, counts) + earlier[group]
            earlier += counts
            kept = np.ones(len(part), dtype=bool)
            kept[large[rank >= self.batches]] = False
            count = int(kept.sum())
            order[reached : reached + count] = part[kept]
            reached += count
        return reached

    def _together(self, order: Order) -> Order:
        """`order` with the questions of one group side by side, groups in order of their first question."""
        first: Order = scratch_array(self.sets.code_count, np.int32)
        keys: IntArray = scratch_array(len(order), np.int64)
        for start, stop in reversed(list(_chunks(len(order)))):
            codes = self.sets.codes[order[start:stop]]
            keys[start:stop] = codes
            first[codes[::-1]] = np.arange(start, stop, dtype=np.int32)[::-1]  # the last assignment counts
        for start, stop in _chunks(len(order)):  # a position in the lower half of a key makes each key unique
            keys[start:stop] = first[keys[start:stop]].astype(np.int64) << 32 | np.arange(start, stop)
        keys.sort()
        found: Order = scratch_array(len(order), np.int32)
        for start, stop in _chunks(len(order)):
            found[start:stop] = order[keys[start:stop] & 0xFFFFFFFF]
        return found


def make_mapped_stream(
    key: tuple[int, int], sets: QuestionSets, usable: BoolArray, batch_size: int, pairing: Pairing
) -> MappedStream | None:
    """The stream over the questions of the patterns where `usable` [P]; None if they cannot fill one batch."""
    questions = sets.of(usable)
    batches = most_batches(questions.sizes, questions.groups, batch_size)
    if not batches:
        return None
    made = MappedStream(key, sets, usable, batch_size, batches, pairing)
    made.__dict__["questions"] = questions  # found already
    return made


def _chunks(length: int) -> Iterator[tuple[int, int]]:
    for start in range(0, length, CHUNK):
        yield start, min(start + CHUNK, length)
