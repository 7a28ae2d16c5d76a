"""The schedule behind every strategy: a mixture of batch types, found at any step without simulating the steps before.

Type, dataset and language of step t follow from element t of three independent sequences of uniform numbers. Together
they identify the stream of the step. The number of earlier steps with that stream is the index of its batch. These
counts are kept once per block of steps, so a jump to step 1,000,000 costs a few hundred vectorised draws, and a
neighbouring step costs no draw. Shares that change from step to step are computed for a block at once.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hybridret.base.records import Batch, IntArray
from hybridret.batching.batch_type import AnyStream, BatchType
from hybridret.batching.draw import Purpose, generator, uniforms
from hybridret.batching.streams import EpochCache

BLOCK = 4096  # steps drawn at once; results do not depend on it
SEEDS = 4  # seeds whose counts are kept

SharesOverSteps = Callable[[IntArray], NDArray[np.float64]]
"""[n] steps -> [T, n]: the share of each of T types at each step; picklable, and a pure function."""


class MixedSchedule:
    """(seed, step) -> Batch. Each step draws one of `types`, type i with probability `shares[i]` (they sum to 1), or
    with the probability that `shares` gives for the step.

    The only state is a cache: a new, a used and an unpickled object give the same batches.
    """

    def __init__(self, types: Sequence[BatchType], shares: Sequence[float] | SharesOverSteps) -> None:
        self._types = tuple(types)
        self._shares = shares if callable(shares) else tuple(shares)
        self._cumulative_chances = [np.cumsum(one.chances) for one in self._types]
        self._streams: list[tuple[str, int, AnyStream]] = []  # by number: kind, dataset, stream
        datasets = len(self._types[0].chances)
        self._first = np.zeros((len(self._types), datasets), dtype=np.int64)
        self._choices = np.zeros((len(self._types), datasets), dtype=np.int64)
        for index, one in enumerate(self._types):
            for dataset, streams in enumerate(one.streams):
                self._first[index, dataset] = len(self._streams)
                self._choices[index, dataset] = len(streams)
                self._streams += [(one.kind, dataset, stream) for stream in streams]
        self._cumulative_weights = {
            (index, dataset): np.cumsum(weights)
            for index, one in enumerate(self._types)
            for dataset, weights in enumerate(one.weights or ())
        }
        self._epochs = EpochCache()
        self._blocks: dict[int, _Blocks] = {}

    def __reduce__(self) -> tuple[Any, ...]:
        return MixedSchedule, (self._types, self._shares)  # without the caches: less to send to workers

    def __call__(self, seed: int, step: int) -> Batch:
        """The global batch of `step` (from 0). Raises UserError for a negative seed, ValueError for a negative step."""
        if step < 0:
            raise ValueError(f"steps count from 0, got {step}")
        number, position = self._drawn(seed, step)
        kind, dataset, stream = self._streams[number]
        epoch, slot = divmod(position, stream.batches)
        questions = self._epochs.epoch(seed, number, stream, epoch)[slot].astype(np.int64)
        random = generator(seed, Purpose.PAIR_LANGUAGES, step)
        query_languages, passage_languages = stream.pairing.languages(questions, random)
        return Batch(step, kind, dataset, questions, query_languages, passage_languages)

    def _drawn(self, seed: int, step: int) -> tuple[int, int]:
        """The number of the step's stream, and how often that stream was drawn before."""
        blocks = self._blocks.get(seed)
        if blocks is None:
            while len(self._blocks) >= SEEDS:
                del self._blocks[next(iter(self._blocks))]
            blocks = self._blocks[seed] = _Blocks(len(self._streams))
        block, offset = divmod(step, BLOCK)
        while len(blocks.before) <= block:  # before[b] needs the counts of block b - 1
            last = len(blocks.before) - 1
            blocks.before.append(blocks.before[last] + blocks.count(self._draw(seed, last)))
        if blocks.current != block:
            blocks.current, blocks.numbers = block, self._draw(seed, block)
        number = int(blocks.numbers[offset])
        earlier = int(np.count_nonzero(blocks.numbers[:offset] == number))
        return number, int(blocks.before[block][number]) + earlier

    def _draw(self, seed: int, block: int) -> NDArray[np.int64]:
        """[BLOCK]: the stream numbers of the steps of one block."""
        start = block * BLOCK
        # A uniform on the border of two types belongs to the later one: a share of 0 is never drawn, one of 1 always.
        kinds = np.count_nonzero(self._thresholds(start) <= uniforms(seed, Purpose.TYPE, start, BLOCK), axis=0)
        where = uniforms(seed, Purpose.DATASET, start, BLOCK)
        datasets = np.zeros(BLOCK, dtype=np.int64)
        for index, cumulative in enumerate(self._cumulative_chances):
            mine = kinds == index
            datasets[mine] = np.searchsorted(cumulative, where[mine] * cumulative[-1], side="right")
        language = uniforms(seed, Purpose.LANGUAGE, start, BLOCK)
        choice = (language * self._choices[kinds, datasets]).astype(np.int64)
        for (kind, dataset), reached in self._cumulative_weights.items():
            mine = (kinds == kind) & (datasets == dataset)
            choice[mine] = np.searchsorted(reached, language[mine] * reached[-1], side="right")
        numbers: NDArray[np.int64] = self._first[kinds, datasets] + choice
        return numbers

    def _thresholds(self, start: int) -> NDArray[np.float64]:
        """[T - 1, BLOCK] or [T - 1, 1]: where one type ends and the next one begins in [0, 1), for a block of steps."""
        if callable(self._shares):
            shares = self._shares(np.arange(start, start + BLOCK))
        else:
            shares = np.array(self._shares, dtype=np.float64)[:, None]
        thresholds: NDArray[np.float64] = np.cumsum(shares, axis=0)[:-1]
        return thresholds


class _Blocks:
    """Cached draws of one seed: the counts [S] before each block, and the stream numbers of the last block read."""

    def __init__(self, streams: int) -> None:
        self.before: list[IntArray] = [np.zeros(streams, dtype=np.int64)]
        self.current = -1
        self.numbers: NDArray[np.int64] = np.zeros(0, dtype=np.int64)

    def count(self, numbers: NDArray[np.int64]) -> IntArray:
        """[S]: how often each stream occurs in a block."""
        return np.bincount(numbers, minlength=len(self.before[0]))
