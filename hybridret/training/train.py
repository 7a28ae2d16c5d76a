"""Train an encoder in a run directory, or go on where the last process stopped. Only this room uses
Lightning.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from hybridret.base.progress import Progress
from hybridret.base.records import ParallelPairs
from hybridret.base.settings import LearningRateSettings, TrainerSettings, TrainingSettings
from hybridret.batching.mix import MixCounter
from hybridret.batching.strategy import Schedule
from hybridret.distributed.world import process_info
from hybridret.encoders.dual import DualEncoder
from hybridret.encoders.layers import compile_layers, recompute_layers
from hybridret.losses.loss import Loss
from hybridret.training.averaging import Averaging
from hybridret.training.check import check_training
from hybridret.training.checkpoints import Checkpoints, best_path, last_path
from hybridret.training.collate import Collate, TrainingBatch
from hybridret.training.data_module import PairDataModule
from hybridret.training.fit import fit
from hybridret.training.history import History, Row
from hybridret.training.module import RetrieverModule
from hybridret.training.monitor import check_measured
from hybridret.training.optimisation import MakeOptimizer
from hybridret.training.probe import Probe, ProbeMeasurement
from hybridret.training.throughput import Throughput
from hybridret.training.validation import Validation

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class TrainingResult:
    """How a training went. `stopped` is `steps` (all done), `early` (no improvement) or `interrupted` (call again to go
    on).

    `best_step` is the step of `checkpoints/best`, where the quantity `monitor` had its `best_value`;
    `best_validation_loss` is the lowest of all steps. Both are None without validation data. Times and shares are of
    the whole run, over all processes that worked on it; `mix` is `MixCounter.as_dict`.
    """

    steps: int
    best_step: int
    best_validation_loss: float | None
    seconds: float
    pairs_per_second: float
    padding_share: float
    stopped: str
    mix: dict[str, Any]
    monitor: str = "loss"
    best_value: float | None = None


def train(
    encoder: DualEncoder,
    schedule: Schedule,
    datasets: Sequence[ParallelPairs],
    validation: ParallelPairs,
    loss: Loss,
    make_optimizer: MakeOptimizer,
    training: TrainingSettings,
    learning_rate: LearningRateSettings,
    trainer: TrainerSettings,
    seed: int,
    folder: Path,
    progress: Progress,
    on_history: Callable[[Row], None],
    should_stop: Callable[[], bool],
    loggers: Sequence[Any] = (),
    log_every: int = 10,
    probe: Probe | None = None,
) -> TrainingResult:
    """Train `encoder` in place for `training.steps` steps; `folder/checkpoints` gets `last.ckpt` and `best/`.

    Where `last.ckpt` exists, training goes on from it, bit for bit as if it had never stopped. `should_stop` is called
    after every step; when it is true, the state is saved and the result is `interrupted`. The caller handles signals.
    At the end `encoder` holds the weights of the last step; the best ones (with `training.ema`, of averages) are in
    `checkpoints/best`. `probe` is
    measured at each validation; it is needed where `training.validate_retrieval` is above 0.

    Raises UserError for settings that do not fit the data or the devices, a damaged or foreign `last.ckpt`, and a full
    disk; NonFiniteError when the loss or the gradient is not finite.
    """
    check_training(training, learning_rate, trainer)
    if log_every < 1:
        raise ValueError(f"log_every {log_every} is not positive")
    if (probe is None) != (training.validate_retrieval == 0):
        raise ValueError("a probe belongs to training.validate_retrieval above 0, and to that alone")
    if trainer.threads is not None:
        torch.set_num_threads(trainer.threads)
    encoder.train()
    if trainer.precision == "64-true":
        encoder.double()  # Lightning does it after loading, when a resumed state has been rounded to fp32
    if training.compile:
        compile_layers(encoder.body)
    if training.recompute_layers:
        recompute_layers(encoder.body)
    module = RetrieverModule(
        encoder,
        loss,
        make_optimizer,
        learning_rate,
        training.steps,
        training.clip_norm,
        seed,
        training.recompute,
    )
    _ = module.frozen.fingerprint  # while weights are whole

    def collate(data: Sequence[ParallelPairs], rank: int, world_size: int, negatives: int | None) -> Collate:
        return Collate(
            encoder.tokenization,
            data,
            training.chunk_size,
            rank,
            world_size,
            hard_negatives=negatives,
            seed=seed,
            chunk_tokens=training.chunk_tokens,
        )

    data = PairDataModule(collate, schedule, datasets, validation, training, seed=seed, workers=trainer.workers)
    throughput = Throughput()
    with progress.task("train", training.steps) as advance:
        history = History(log_every, throughput, MixCounter(datasets), advance, on_history)
        averaging = Averaging(training.ema, training.batch_size * training.accumulate) if training.ema else None
        mono, cross = data.validation_batches()
        _warn_of_languages_left_out(mono, validation, training.validation_batches)
        validator = Validation(
            mono,
            cross,
            training.validate_every,
            training.patience,
            best_path(folder),
            throughput,
            history.emit,
            training.monitor,
            ProbeMeasurement(probe, training.chunk_size or training.batch_size) if probe else None,
            averaging,
        )
        if training.monitor != "loss" or probe:  # a loss that no data gives leaves the last encoder as the best
            check_measured(training.monitor, validator.measured)
        checkpoints = Checkpoints(last_path(folder), training.checkpoint_every, throughput, should_stop)
        callbacks = [*([averaging] if averaging else []), history, validator, checkpoints]
        steps = fit(module, data, callbacks, training.steps, training.accumulate, trainer, folder, loggers)
    return TrainingResult(
        steps=steps,
        best_step=validator.best_step,
        best_validation_loss=validator.best_loss,
        seconds=throughput.total.seconds,
        pairs_per_second=throughput.total.pairs_per_second,
        padding_share=throughput.total.padding_share,
        stopped="early" if validator.stopped_early else "interrupted" if steps < training.steps else "steps",
        mix=history.mix.as_dict(),
        monitor=training.monitor,
        best_value=validator.best_value,
    )


def _warn_of_languages_left_out(mono: Sequence[TrainingBatch], validation: ParallelPairs, batches: int) -> None:
    """Warn, once for all processes, where too few validation batches leave some languages out of the loss."""
    heard = {language for batch in mono for language in batch.languages}
    silent = [language for language in validation.languages if language not in heard]
    if silent and 0 < batches < len(validation.languages) and process_info().first:
        _log.warning(
            "training.validation_batches=%d is below the %d languages of the validation data: its monolingual loss "
            "leaves out %s. Set training.validation_batches=%d or more.",
            batches,
            len(validation.languages),
            ", ".join(silent),
            len(validation.languages),
        )
