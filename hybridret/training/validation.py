"""The validation loss: the mean of the monolingual and the cross-lingual InfoNCE on fixed batches. Where wanted, also
how well held-out questions are answered (`probe`).

Both are the same for every batch strategy, so that early stopping and the choice of a learning rate are comparable.
Validation runs at the end of the training step instead of in Lightning's validation loop: its decisions (best, stop)
are then part of the checkpoint of the same step, and a resumed run neither repeats nor skips a validation.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytorch_lightning as pl
import torch

from hybridret.base.errors import UserError
from hybridret.encoders.folder import save_encoder
from hybridret.encoders.plain_state import merge
from hybridret.training.averaging import Averaging
from hybridret.training.callback import StepCallback, ends_step
from hybridret.training.monitor import is_better
from hybridret.training.probe import ProbeMeasurement, evaluation_mode
from hybridret.training.sharding import is_sharded, whole_state
from hybridret.training.throughput import Throughput

if TYPE_CHECKING:
    from hybridret.training.collate import TrainingBatch
    from hybridret.training.module import RetrieverModule

Row = dict[str, Any]


class Validation(StepCallback):
    """Every `every` steps and at the last one: measure, keep the best encoder in `best`, stop after `patience`
    measurements without improvement (None: never). `on_row` receives each measurement on every process.

    `monitor` names the quantity that has to improve, one of `measured`. `best_value` is its best value, `best_loss` the
    lowest validation loss of any step. With `averaging` the average of the weights is what is measured and kept.
    """

    def __init__(
        self,
        mono: Sequence[TrainingBatch],
        cross: Sequence[TrainingBatch],
        every: int,
        patience: int | None,
        best: Path,
        throughput: Throughput,
        on_row: Callable[[pl.Trainer, Row], None],
        monitor: str = "loss",
        probe: ProbeMeasurement | None = None,
        averaging: Averaging | None = None,
    ) -> None:
        self._parts = {name: batches for name, batches in (("mono", mono), ("cross", cross)) if batches}
        self._every, self._patience, self._best = every, patience, best
        self._throughput, self._on_row = throughput, on_row
        self._monitor, self._probe, self._averaging = monitor, probe, averaging
        self.best_loss: float | None = None
        self.best_value: float | None = None
        self.best_step = 0
        self.since_best = 0
        self.stopped_early = False

    @property
    def measured(self) -> list[str]:
        """The names of what each validation measures."""
        return [*(["loss"] if self._parts else []), *self._parts, *(self._probe.names if self._probe else [])]

    def on_train_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """A resumed run that had stopped early has nothing left to do."""
        if self.stopped_early:
            trainer.should_stop = True

    def on_train_batch_end(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, outputs: Any, batch: TrainingBatch, batch_idx: int
    ) -> None:
        """Measure if due."""
        if not ends_step(trainer, batch):
            return
        step, last = trainer.global_step, trainer.global_step >= trainer.max_steps
        if not last and step % self._every != 0:
            return
        pl_module.settle()  # type: ignore[operator]
        averaged = self._averaging.in_use(pl_module) if self._averaging else nullcontext()
        with self._throughput.paused(), averaged:
            if not self.measured:
                if last:
                    self._keep(trainer, pl_module, step)
                return
            self._measure(trainer, pl_module, step)  # type: ignore[arg-type]

    def _measure(self, trainer: pl.Trainer, module: RetrieverModule, step: int) -> None:
        parts = {name: mean_loss(trainer, module, batches) for name, batches in self._parts.items()}
        loss = sum(parts.values()) / len(parts) if parts else None
        row: Row = {
            "step": step,
            "split": "validation",
            "loss": loss,
            "mono": parts.get("mono"),
            "cross": parts.get("cross"),
            "seconds": self._throughput.total.seconds,
            **(self._probe.values(trainer, module) if self._probe else {}),
        }
        self._on_row(trainer, row)
        if loss is not None and is_better("loss", loss, self.best_loss):
            self.best_loss = loss
        value = row[self._monitor]
        if is_better(self._monitor, value, self.best_value):
            self.best_value, self.since_best = value, 0
            self._keep(trainer, module, step)
            return
        self.since_best += 1
        if self._patience is not None and self.since_best >= self._patience:
            self.stopped_early = True
            trainer.should_stop = True

    def _keep(self, trainer: pl.Trainer, module: Any, step: int) -> None:
        self.best_step = step
        body = module.encoder.body
        state = whole_state(body, keep=trainer.is_global_zero) if is_sharded(module.encoder) else body.state_dict()
        if trainer.is_global_zero:
            save_encoder(module.encoder, self._best, merge(state, body))
        trainer.strategy.barrier("best")

    def state_dict(self) -> dict[str, Any]:
        return {
            "best_loss": self.best_loss,
            "best_step": self.best_step,
            "since_best": self.since_best,
            "stopped_early": self.stopped_early,
            "monitor": self._monitor,
            "best_value": self.best_value,
        }

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Raises UserError where another quantity decided so far. Earlier versions knew the loss alone."""
        monitor = state_dict.get("monitor", "loss")
        if monitor != self._monitor:
            raise UserError(
                f"checkpoints/last.ckpt was trained with training.monitor={monitor}, not {self._monitor}: its best "
                "encoder is the best of that. Restore the setting, or delete the run directory to start from step 0."
            )
        self.best_value = state_dict.get("best_value", state_dict["best_loss"])
        self.best_loss, self.best_step = state_dict["best_loss"], state_dict["best_step"]
        self.since_best, self.stopped_early = state_dict["since_best"], state_dict["stopped_early"]


@torch.no_grad()
def mean_loss(trainer: pl.Trainer, module: RetrieverModule, batches: Sequence[TrainingBatch]) -> float:
    """Mean loss over `batches` (each a whole global batch), without dropout.

    Batch i is computed by the process with rank i modulo the number of processes, and the losses are added in a fixed
    order, so every number of processes gives the same value.
    """
    sharded = is_sharded(module.encoder)
    losses = torch.zeros(len(batches), dtype=torch.float64, device=module.device)
    with evaluation_mode(module), trainer.precision_plugin.forward_context():
        for first in range(0, len(batches), trainer.world_size):
            together = batches[first : first + trainer.world_size]
            index = trainer.global_rank
            if index >= len(together) and not sharded:
                continue
            batch = together[min(index, len(together) - 1)]  # sharded: processes without a batch encode too
            calls = max(one.calls for one in together)
            loss = module.batch_loss(batch.to(module.device), gather=False, calls=calls)
            if index < len(together):
                losses[first + index] = loss
    if trainer.world_size > 1:
        losses = trainer.strategy.reduce(losses, reduce_op="sum")
    return float(losses.mean())
