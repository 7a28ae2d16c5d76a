"""Checks for impossible settings of a training, made before torch is imported."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from hybridret.base.errors import UserError, nearest
from hybridret.base.machine import LARGEST, check_count
from hybridret.base.settings import LearningRateSettings, TrainerSettings, TrainingSettings
from hybridret.batching.process_share import check_world_size

DECAYS = ("linear", "cosine", "constant")
_OF_OPTIMIZERS = ("lr", "weight_decay", "eps")  # what those of torch.optim have in common: numbers from 0 on


def check_training(training: TrainingSettings, learning_rate: LearningRateSettings, trainer: TrainerSettings) -> None:
    """Raise UserError naming the key of the first value that no training could use; needs no data and no model."""
    for key, value in (
        ("training.steps", training.steps),
        ("training.validate_every", training.validate_every),
        ("training.checkpoint_every", training.checkpoint_every),
        ("training.chunk_size", training.chunk_size),
        ("training.patience", training.patience),
        ("trainer.threads", trainer.threads),
        ("trainer.devices", trainer.devices),
        ("trainer.nodes", trainer.nodes),
    ):
        if value is not None and value < 1:
            raise UserError(f"{key}={value} must be at least 1.")
    if training.clip_norm is not None and not training.clip_norm > 0:
        raise UserError(f"training.clip_norm={training.clip_norm} must be positive; null turns clipping off.")
    for key, value in (
        ("training.validation_batches", training.validation_batches),
        ("trainer.workers", trainer.workers),
    ):
        if value < 0:
            raise UserError(f"{key}={value} must be 0 or more.")
    check_count("trainer.workers", trainer.workers, "processes that make batches")
    check_count("trainer.threads", trainer.threads or 0, "threads")
    if training.batch_size < 2:
        raise UserError(
            f"training.batch_size={training.batch_size} must be at least 2: the other passages of a batch are its "
            f"negatives."
        )
    check_learning_rate(learning_rate)
    check_world_size(training.batch_size, trainer.devices * trainer.nodes)


def warmup_steps(settings: LearningRateSettings, steps: int) -> int:
    """How many of `steps` the rate rises. Raises UserError for a share outside 0..1."""
    if not 0 <= settings.warmup <= 1:
        raise UserError(f"schedule.warmup={settings.warmup} is not a share of the steps: give a number from 0 to 1.")
    return round(settings.warmup * steps)


def check_learning_rate(settings: LearningRateSettings) -> None:
    """Raise UserError for a warm-up outside 0..1, an unknown decay, or a rate of embeddings that is none."""
    warmup_steps(settings, 1)
    if settings.decay not in DECAYS:
        raise UserError(f"schedule.decay={settings.decay!r} is unknown. {nearest(settings.decay, DECAYS)}")
    if settings.embedding_lr is not None and not 0 <= settings.embedding_lr <= LARGEST:
        raise UserError(
            f"schedule.embedding_lr={settings.embedding_lr} is no learning rate: give a number of 0 or more, or null "
            f"for the optimizer's own."
        )


def check_rates(section: Mapping[str, Any]) -> None:
    """Raise UserError for a rate, a weight decay or betas in `optim` that no optimizer takes."""
    for key in _OF_OPTIMIZERS:
        value = section.get(key)
        if isinstance(value, bool) or not (value is None or isinstance(value, int | float)):
            raise UserError(f"optim.{key}={value}: it must be a number.")
        if value is not None and not 0 <= value <= LARGEST:
            raise UserError(f"optim.{key}={value}: it must be 0 or more, and finite in single precision.")
    betas = section.get("betas")
    if isinstance(betas, list | tuple):
        for beta in betas:
            if isinstance(beta, bool) or not isinstance(beta, int | float) or not 0 <= beta < 1:
                raise UserError(f"optim.betas={list(betas)}: {beta} is not a number from 0 to below 1.")
