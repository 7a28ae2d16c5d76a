"""The LightningDataModule: an endless stream of batches that starts at the trainer's step.

Batches are a pure function of (seed, step), so a resumed run needs no sampler state: it starts counting at
`trainer.global_step` (times `training.accumulate`), read inside `train_dataloader()`. Lightning skips nothing by itself
on resume; restoring a position too would skip twice. Worker k of n makes steps start + k, start + k + n, ...: the
loader asks workers in turn, so the order is that of one process.
"""

from __future__ import annotations

import itertools
import os
import signal
import sys
import warnings
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import pytorch_lightning as pl
import torch
from torch.utils.data import DataLoader, IterableDataset, get_worker_info

from hybridret.base.records import ParallelPairs
from hybridret.base.settings import TrainingSettings
from hybridret.batching.strategy import Schedule
from hybridret.batching.validation_batches import validation_batches
from hybridret.training.collate import Collate, TrainingBatch

AHEAD = 8  # batches made at a time: after a training step, the caches of the processor hold none of this code any more
PINNED_FOR = frozenset({"cuda"})  # types of devices that copy by themselves from pinned memory
VALIDATION_SEED = 0  # the same batches for every run: validation losses of different seeds are comparable
MakeCollate = Callable[
    [Sequence[ParallelPairs], int, int, int | None], Collate
]  # datasets, rank, world size, negatives


class BatchStream(IterableDataset[TrainingBatch]):
    """Endless training batches from number `start`; it has no length, because no epoch exists."""

    def __init__(self, schedule: Schedule, seed: int, start: int, collate: Collate) -> None:
        self._schedule, self._seed, self._start, self._collate = schedule, seed, start, collate

    def __iter__(self) -> Iterator[TrainingBatch]:
        worker = get_worker_info()
        first, stride = (0, 1) if worker is None else (worker.id, worker.num_workers)
        for block in itertools.count(self._start + first, stride * AHEAD):
            steps = range(block, block + stride * AHEAD, stride)
            made = [self._collate(self._schedule(self._seed, step)) for step in steps]
            # A worker hands over one file of shared memory for a batch instead of one for each of its tensors.
            yield from made if worker is None else [batch.bundled() for batch in made]


class PairDataModule(pl.LightningDataModule):
    """Training batches for this process, and the fixed validation batches, which processes share batch by batch."""

    def __init__(
        self,
        collate: MakeCollate,
        schedule: Schedule,
        datasets: Sequence[ParallelPairs],
        validation: ParallelPairs,
        training: TrainingSettings,
        seed: int,
        workers: int,
    ) -> None:
        super().__init__()
        self._collate, self._schedule = collate, schedule
        self._datasets, self._validation = datasets, validation
        self._training, self._seed, self._workers = training, seed, workers

    def train_dataloader(self) -> DataLoader[TrainingBatch]:
        trainer = self.trainer
        assert trainer is not None
        wanted = self._training.hard_negatives
        collate = self._collate(self._datasets, trainer.global_rank, trainer.world_size, wanted)
        return _Loader(
            BatchStream(self._schedule, self._seed, trainer.global_step * self._training.accumulate, collate),
            batch_size=None,
            num_workers=self._workers,
            pin_memory=trainer.strategy.root_device.type in PINNED_FOR,
            **_worker_options(self._workers),
        )

    def transfer_batch_to_device(
        self, batch: TrainingBatch, device: torch.device, dataloader_idx: int
    ) -> TrainingBatch:
        return batch.to(device)

    def validation_batches(self) -> tuple[list[TrainingBatch], list[TrainingBatch]]:
        """The monolingual and the cross-lingual validation batches; a kind that the data cannot give is empty."""
        if not len(self._validation) or not self._training.validation_batches:
            return [], []
        collate = self._collate([self._validation], 0, 1, None)  # all: losses of runs with other numbers are comparable
        mono, cross = validation_batches(
            self._validation, self._training.batch_size, self._training.validation_batches, VALIDATION_SEED
        )
        return [collate(batch) for batch in mono], [collate(batch) for batch in cross]


class _Loader(DataLoader[TrainingBatch]):
    def __iter__(self) -> Any:
        # Python 3.12 warns of every fork of a process with threads. A deadlock needs a child that takes a lock
        # which another thread held; the workers only tokenise and copy.
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", message=".*use of fork.. may lead to deadlocks.*")
            return super().__iter__()


def _worker_options(workers: int) -> dict[str, Any]:
    """Forked workers share the texts with the parent; spawned ones would copy all data and import torch again."""
    if not workers:
        return {}
    return {"multiprocessing_context": "fork" if sys.platform == "linux" else None, "worker_init_fn": _start_worker}


def _start_worker(number: int) -> None:
    """Leave Ctrl-C to the parent process; one thread per worker is enough."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    os.environ["TOKENIZERS_PARALLELISM"] = "false"
