"""Sampling without replacement: the endless sequence of batches of one dataset, in one language or in all.

Batch k of a stream is slice k mod n of the permutation of epoch k div n, so any batch is found without simulating the
earlier ones. For this the number n of batches per epoch must be known beforehand, although no passage group may occur
twice in a batch (docs/pitfalls.md#false-negatives). A closed condition gives it: groups with c_g questions fill n
batches of B rows if and only if sum_g min(c_g, n) >= n B. The questions, sorted by group, are then dealt to the n
batches in turn, and no batch gets a group twice (McNaughton's wrap-around rule). n is the largest such number, so no
other order would use more of the data.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from hybridret.base.records import BoolArray, IntArray, ParallelPairs
from hybridret.batching.draw import Purpose, generator
from hybridret.batching.pairing import Pairing

Order = NDArray[np.int32]  # question indices: half the memory of int64

CACHED_BYTES = 256 * 2**20  # epoch permutations kept per schedule and process; 100k questions take 0.4 MB


@dataclass(frozen=True)
class Stream:
    """The questions of one stream and how they fall into batches.

    `key` names the stream among the streams of the same data: (dataset, 0) for all languages, (dataset, language + 1)
    for one. `questions` [n] are the question indices that it draws from; `groups` [Q] is the passage group of every
    question of the dataset as a code from 0; `batches` is the number of full batches in an epoch.
    """

    key: tuple[int, int]
    questions: Order
    groups: Order
    batch_size: int
    batches: int
    pairing: Pairing

    def epoch(self, seed: int, epoch: int) -> Order:
        """The batches of one epoch: [batches, batch_size] question indices, no question and no group twice in a row.

        Every question occurs once, except for two remainders that change from epoch to epoch: the questions that do not
        fill a last batch, and, of a group with more questions than there are batches, the surplus questions.
        """
        random = generator(seed, Purpose.EPOCH, *self.key, epoch)
        order = random.permutation(self.questions)
        groups = self.groups[order]
        counts = np.bincount(groups)
        if counts.max() > self.batches:
            kept = rank_within_group(groups, counts) < self.batches
            order, groups = order[kept], groups[kept]
        order, groups = order[: self.batches * self.batch_size], groups[: self.batches * self.batch_size]
        if counts.max() > 1:
            order = order[_together(groups)]
        dealt = order.reshape(self.batch_size, self.batches).T
        # Questions of one group are in neighbouring batches here: a shuffle of the batches spreads them over the epoch.
        return np.ascontiguousarray(dealt[random.permutation(self.batches)])


def make_stream(
    key: tuple[int, int], usable: BoolArray, groups: Order, batch_size: int, pairing: Pairing
) -> Stream | None:
    """The stream over the questions where `usable` [Q] is true; None if they cannot fill one batch."""
    questions = np.flatnonzero(usable).astype(np.int32)
    batches = batches_per_epoch(np.bincount(groups[questions]), batch_size)
    return Stream(key, questions, groups, batch_size, batches, pairing) if batches else None


def group_codes(pairs: ParallelPairs) -> Order:
    """[Q]: the passage group of every question as a code 0, 1, ..."""
    return np.unique(pairs.passage_groups, return_inverse=True)[1].astype(np.int32)


def batches_per_epoch(counts: IntArray, batch_size: int) -> int:
    """The largest n such that groups of `counts` questions fill n batches of distinct groups; 0 if they fill none."""
    return most_batches(counts, np.ones(len(counts), dtype=np.int64), batch_size)


def most_batches(sizes: IntArray, groups: IntArray, batch_size: int) -> int:
    """`batches_per_epoch` of `groups[k]` groups with `sizes[k]` questions each.

    sum_g min(c_g, n) - n B is concave in n and 0 at n = 0. So if n batches can be filled, fewer can: use bisection.
    """
    low, high = 0, int(sizes @ groups) // batch_size
    while low < high:
        middle = (low + high + 1) // 2
        if int(np.minimum(sizes, middle) @ groups) >= middle * batch_size:
            low = middle
        else:
            high = middle - 1
    return low


def rank_within_group(groups: Order, counts: IntArray) -> IntArray:
    """[n]: how many earlier elements have the same group."""
    by_group = np.argsort(groups, kind="stable")
    first = np.repeat(np.cumsum(counts) - counts, counts)
    rank = np.empty(len(groups), dtype=np.int64)
    rank[by_group] = np.arange(len(groups)) - first
    return rank


def _together(groups: Order) -> IntArray:
    """[n] positions in an order that puts elements of one group side by side, groups in order of first occurrence."""
    positions = np.arange(len(groups))
    first = np.zeros(int(groups.max()) + 1, dtype=np.int64)
    first[groups[::-1]] = positions[::-1]  # for a repeated index the last assignment counts: the earliest position
    return np.argsort(first[groups], kind="stable")


class Epoch(Protocol):
    """The batches of one epoch, [B] question indices each; `nbytes` of memory."""

    @property
    def nbytes(self) -> int: ...

    def __len__(self) -> int: ...

    def __getitem__(self, slot: int, /) -> Order: ...


class Epochs(Protocol):
    """A stream as the cache needs it."""

    def epoch(self, seed: int, epoch: int) -> Epoch: ...


class EpochCache:
    """The most recently used epoch permutations, at most `capacity` bytes (but always the newest one). Of a stream that
    takes no memory only the newest one: each takes room on the disk.
    """

    def __init__(self, capacity: int = CACHED_BYTES) -> None:
        self._capacity = capacity
        self._bytes = 0
        self._orders: OrderedDict[tuple[int, int, int], Epoch] = OrderedDict()

    def epoch(self, seed: int, number: int, stream: Epochs, epoch: int) -> Epoch:
        """`stream.epoch(seed, epoch)`; `number` identifies the stream within the schedule."""
        key = (seed, number, epoch)
        order = self._orders.get(key)
        if order is None:
            order = stream.epoch(seed, epoch)
            if not order.nbytes:
                self._orders = OrderedDict((one, kept) for one, kept in self._orders.items() if one[1] != number)
            self._orders[key] = order
            self._bytes += order.nbytes
            while self._bytes > self._capacity and len(self._orders) > 1:
                self._bytes -= self._orders.popitem(last=False)[1].nbytes
        self._orders.move_to_end(key)
        return order
