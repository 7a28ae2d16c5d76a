"""Interface of a batch strategy: it turns training data into a schedule.

A schedule is a pure function of (seed, step). Nothing is carried from one step to the next, so resume needs no sampler
state. Every process and every dataloader worker may request any step in any order, and all of them get the same global
batch: its type and its language belong to the batch, not to a process (arXiv 2408.10536, section 3;
docs/pitfalls.md#batch-types, docs/pitfalls.md#samplers).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

from hybridret.base.records import Batch, ParallelPairs

Schedule = Callable[[int, int], Batch]
"""(seed, step) -> the global batch of that step; picklable."""


class Strategy(Protocol):
    """A plug-in of the group `batching`: a plain object whose constructor arguments are the keys of its yaml."""

    def schedule(self, datasets: Sequence[ParallelPairs], batch_size: int) -> Schedule:
        """The schedule over `datasets` in global batches of `batch_size` rows.

        A batch comes from one dataset, drawn in proportion to its size: the number of its question-language rows that
        the type of the batch can use. Raises UserError where the data cannot fill one batch of every kind.
        """
        ...
