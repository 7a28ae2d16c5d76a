"""The training curve: one row every few steps, and the totals of the whole run (mix, throughput)."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytorch_lightning as pl
import torch

from hybridret.base.progress import Advance
from hybridret.base.records import Batch
from hybridret.batching.mix import MixCounter
from hybridret.training.callback import StepCallback, ends_step
from hybridret.training.throughput import Throughput

if TYPE_CHECKING:
    from hybridret.training.collate import TrainingBatch

Row = dict[str, Any]
MIXED = "mixed"  # batches of several kinds that are one step
UNCOUNTED = 32  # batches that wait to be counted
SHOWN = {"mono_mrr": "Mo. MRR@10", "cross_mrr": "Cr. MRR@10"}  # behind the bar, of a validation


class History(StepCallback):
    """Counts every step, emits a row every `every` steps and at the last one, moves the progress bar.

    Rows go to `on_row` (rank 0 only) and to the trainer's loggers, directly: Lightning's own metric collection costs
    more per step than the row. A resumed run emits the rows after its checkpoint again; only their times
    differ.
    """

    def __init__(
        self, every: int, throughput: Throughput, mix: MixCounter, advance: Advance, on_row: Callable[[Row], None]
    ) -> None:
        self._every, self._advance, self._on_row = every, advance, on_row
        self.throughput, self._mix = throughput, mix
        self._kinds: set[str] = set()  # of the batches of this step
        self._rows = 0  # emitted up to now, by all processes that worked on the run
        self._validated = ""  # for the bar: what the last validation says of retrieval
        self._uncounted: list[Batch] = []  # counted together: it takes a third of the time

    @property
    def mix(self) -> MixCounter:
        """The mix of all steps so far."""
        for batch in self._uncounted:
            self._mix.add(batch)
        self._uncounted.clear()
        return self._mix

    def on_train_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Start the clock; a resumed run shows what was done before as done."""
        if trainer.is_global_zero and trainer.global_step:
            self._advance(trainer.global_step)
        self.throughput.start()

    def on_train_batch_end(
        self, trainer: pl.Trainer, pl_module: Any, outputs: Any, batch: TrainingBatch, batch_idx: int
    ) -> None:
        """Count the batch; at the end of a step emit a row if due."""
        self.throughput.count(len(batch.batch), batch.tokens, batch.padded)
        self._uncounted.append(batch.batch)
        if len(self._uncounted) >= UNCOUNTED:
            _ = self.mix
        self._kinds.add(batch.batch.kind)
        if not ends_step(trainer, batch):
            return
        kinds, self._kinds = self._kinds, set()
        step = trainer.global_step
        note = ""
        if step % self._every == 0 or step >= trainer.max_steps:
            window = self.throughput.take_window()
            loss = pl_module.last_loss
            if trainer.world_size > 1:
                loss = float(trainer.strategy.reduce(torch.tensor(loss, device=pl_module.device), reduce_op="mean"))
            row = {
                "step": step,
                "split": "train",
                "loss": loss,
                "lr": pl_module.last_lr,
                "gradient_norm": pl_module.last_gradient_norm,
                "pairs_per_second": window.pairs_per_second,
                "padding_share": window.padding_share,
                "kind": batch.batch.kind if len(kinds) == 1 else MIXED,
                "seconds": self.throughput.total.seconds,
            }
            self.emit(trainer, row)
            note = f"loss {row['loss']:.3f}, {window.pairs_per_second:.0f} pairs/s{self._validated}"
        if trainer.is_global_zero:
            self._advance(1, note)

    def emit(self, trainer: pl.Trainer, row: Row) -> None:
        """Pass a row to the caller, and its numbers, named `split/name`, to the loggers."""
        if not trainer.is_global_zero:
            return
        self._on_row(row)
        self._rows += 1
        if shown := [f"{word} {row[name]:.3f}" for name, word in SHOWN.items() if name in row]:
            self._validated = ", ".join(["", *shown])
            self._advance(0, self._validated[2:])
        numbers = {f"{row['split']}/{key}": value for key, value in row.items() if isinstance(value, float)}
        for logger in trainer.loggers:
            logger.log_metrics(numbers, step=row["step"])

    def state_dict(self) -> dict[str, Any]:
        return {"throughput": self.throughput.state_dict(), "mix": self.mix.as_dict(), "rows": self._rows}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        self.throughput.load_state_dict(state_dict["throughput"])
        self.mix.restore(state_dict["mix"])
        self._rows = state_dict.get("rows", 0)
