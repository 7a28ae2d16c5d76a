"""What Lightning's own Python costs in a training step, and what a run adds to it.

    python benchmarks/lightning_step.py            # about 3 minutes on one thread; no target

Both are measured against the bare loop of `train_vs_bare_loop.py` with its batches in memory, step by step by turns:

- `alone`: a plain LightningModule and a plain trainer, without callbacks, that do what the bare loop does and get the
  same batches from memory. What it takes more than the bare loop is Lightning's.
- `train`: `hybridret.training.train`, which draws and pads its batches, keeps a history, guards against numbers that
  are not finite and asks whether to stop. What it takes more than `alone` is ours.

A loop of our own inside the module would save at most the first difference.
"""

from __future__ import annotations

import argparse
import logging
import os
import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytorch_lightning as pl
import torch
from torch.utils.data import DataLoader
from train_vs_bare_loop import SCHEDULE, SETUPS, Setup, Turns, bare, corpus, encoder, make_optimizer, ours

from hybridret.batching.hybrid import Hybrid
from hybridret.encoders.dual import DualEncoder
from hybridret.losses.infonce import InfoNCE
from hybridret.training.collate import Collate, TrainingBatch
from hybridret.training.optimisation import learning_rate_schedule, parameter_groups


class Alone(pl.LightningModule):
    """The body of the bare loop as a LightningModule."""

    def __init__(self, model: DualEncoder, steps: int) -> None:
        super().__init__()
        self.model, self.loss_function, self._steps = model, InfoNCE(0.05), steps

    def configure_optimizers(self) -> Any:
        optimizer = make_optimizer(parameter_groups(self.model, SCHEDULE.embedding_lr))
        schedule = learning_rate_schedule(optimizer, SCHEDULE, self._steps)
        return {"optimizer": optimizer, "lr_scheduler": {"scheduler": schedule, "interval": "step"}}

    def training_step(self, batch: TrainingBatch, batch_idx: int) -> torch.Tensor:
        rows = batch.rows
        queries = self.model(*rows.query_chunks[0])[rows.query_order]
        passages = self.model(*rows.passage_chunks[0])[rows.passage_order]
        loss: torch.Tensor = self.loss_function(
            queries, passages, rows.positives, rows.query_groups, rows.passage_groups
        )
        loss.item()
        return loss


class After(pl.Callback):
    """Calls `turns` after each step; its time is not counted."""

    def __init__(self, turns: Turns) -> None:
        self._turns = turns

    def on_train_batch_end(self, *unused: Any) -> None:
        self._turns()


def alone(model: DualEncoder, steps: int, batches: Sequence[TrainingBatch], turns: Turns) -> np.ndarray:
    """[steps - 2, loops, 2] milliseconds by the clock and of CPU time."""
    loader: DataLoader[Any] = DataLoader(list(batches), batch_size=None)  # type: ignore[arg-type]
    trainer = pl.Trainer(
        accelerator="cpu",
        max_steps=steps,
        max_epochs=-1,
        callbacks=[After(turns)],
        gradient_clip_val=1.0,
        logger=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
    )
    trainer.fit(Alone(model, steps), loader)
    return np.array(turns.times)[:-1]


def measure(name: str, setup: Setup, repeats: int) -> None:
    """Print the medians of what a step takes more than the bare loop, in milliseconds of CPU."""
    data = corpus(2 * setup.batch_size)
    schedule = Hybrid(alpha=0.5).schedule([data], setup.batch_size)
    count = setup.first + setup.steps

    def made() -> DualEncoder:
        return encoder(setup.width, setup.layers)

    collate = Collate(made().tokenization, [data], None)
    batches = [collate(schedule(0, step)) for step in range(count)]
    more: dict[str, list[float]] = {"alone": [], "train": []}
    steps = []
    for _ in range(repeats):
        for loop in more:
            turns = Turns([bare(made(), count, batches.__getitem__)])
            if loop == "alone":
                times = alone(made(), count, batches, turns)
            else:
                times = ours(made(), schedule, data, count, setup.batch_size, turns)
            taken, plain = np.median(times[setup.first :], axis=0)[:, 1]
            more[loop].append(taken - plain)
            steps.append(plain)
            print(f"{name}: {loop} {taken:.2f}, bare {plain:.2f} ms of CPU a step; load {os.getloadavg()[0]:.1f}")
    bare_step, lightning, whole = np.median(steps), np.median(more["alone"]), np.median(more["train"])
    print(
        f"{name}: a bare step {bare_step:.2f} ms; Lightning adds {lightning:.2f}, train {whole:.2f} in all; train "
        f"against the bare loop {bare_step / (bare_step + whole):.3f}, without Lightning's part "
        f"{bare_step / (bare_step + whole - lightning):.3f}",
        flush=True,
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeats", type=int, default=5)
    options = parser.parse_args()
    torch.set_num_threads(1)
    for name in ("pytorch_lightning.utilities.rank_zero", "lightning_fabric.utilities.rank_zero"):
        logging.getLogger(name).setLevel(logging.WARNING)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # advice on workers and validation
        for name, setup in SETUPS.items():
            measure(name, setup, options.repeats)


if __name__ == "__main__":
    main()
