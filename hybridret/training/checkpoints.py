"""`checkpoints/last.ckpt`, from which training resumes exactly, and `checkpoints/best/`, the encoder to use.

Both names are fixed and each file is whole or absent: a reader that finds `last-v1.ckpt` beside a stale `last.ckpt`
resumes from the wrong one (docs/pitfalls.md#checkpoint-names). Files are read with `weights_only=True`, so nothing in
them is executed.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytorch_lightning as pl
import torch
from lightning_fabric.plugins import TorchCheckpointIO

from hybridret.base.files import atomic_path
from hybridret.training.callback import StepCallback, ends_step
from hybridret.training.history import History
from hybridret.training.sharded_state import consolidated, forget_others, read_file, read_meta
from hybridret.training.throughput import Throughput

if TYPE_CHECKING:
    from hybridret.training.collate import TrainingBatch


def last_path(folder: Path) -> Path:
    """Where the run directory `folder` keeps the state that training resumes from."""
    return folder / "checkpoints" / "last.ckpt"


def best_path(folder: Path) -> Path:
    """Where the run directory `folder` keeps the encoder of the best validation (`training.monitor`)."""
    return folder / "checkpoints" / "best"


class WholeCheckpoints(TorchCheckpointIO):
    """Writes checkpoints atomically and reads them as plain tensors."""

    def save_checkpoint(self, checkpoint: dict[str, Any], path: Any, storage_options: Any | None = None) -> None:
        """Write `path`, or leave the file that was there. Raises UserError when the disk is full or cannot be
        written.
        """
        with atomic_path(Path(path)) as temporary:
            try:
                torch.save(checkpoint, temporary)
            except RuntimeError as error:  # the zip writer's error for a full disk
                raise OSError(str(error)) from error
        forget_others(Path(path))  # left by a sharded training that goes on in one process

    def load_checkpoint(self, path: Any, map_location: Any = "cpu", weights_only: bool | None = True) -> dict[str, Any]:
        """Read `path`, a file or the folder of a sharded training. Raises UserError when it is damaged or is no
        checkpoint.
        """
        return consolidated(Path(path)) if Path(path).is_dir() else read_file(Path(path), mmap=False)


def saved_step(path: Path) -> int:
    """The step at which `path` was saved; of a large file only the part with the step is read. Raises UserError."""
    return int(_beside_tensors(path)["global_step"])


def saved_rows(path: Path) -> int:
    """How many rows the training curve had when `path` was saved, 0 in files of earlier versions. Raises UserError."""
    return int(_beside_tensors(path).get("callbacks", {}).get(History.__qualname__, {}).get("rows", 0))


def _beside_tensors(path: Path) -> dict[str, Any]:
    return read_meta(path) if path.is_dir() else read_file(path, mmap=True, whole=False)


class Checkpoints(StepCallback):
    """Saves `last.ckpt` every few steps, when asked to stop, and at the end. Must be the last callback of the list:
    whatever the others did in a step is then part of the state.
    """

    def __init__(self, path: Path, every: int, throughput: Throughput, should_stop: Callable[[], bool]) -> None:
        self._path, self._every, self._throughput, self._should_stop = path, every, throughput, should_stop
        self.interrupted = False

    def on_train_batch_end(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, outputs: Any, batch: TrainingBatch, batch_idx: int
    ) -> None:
        """Save if due; ask the caller whether to go on (one process that wants to stop stops all)."""
        if not ends_step(trainer, batch):
            return
        step = trainer.global_step
        finished = trainer.should_stop or step >= trainer.max_steps
        stop = self._should_stop()
        if trainer.world_size > 1:
            stop = trainer.strategy.reduce_boolean_decision(stop, all=False)
        if stop and not finished:
            self.interrupted = True
            trainer.should_stop = True
        if finished or self.interrupted or step % self._every == 0:
            with self._throughput.paused():
                trainer.save_checkpoint(self._path)
