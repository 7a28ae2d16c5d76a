"""Checks for impossible settings of a training, made before torch is imported."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any

from annotated_types import Ge, Lt

from hybridret.base.errors import UserError
from hybridret.base.machine import check_count
from hybridret.base.ranges import NotNegative, check_ranges, check_value, hints_of
from hybridret.base.settings import LearningRateSettings, TrainerSettings, TrainingSettings
from hybridret.batching.process_share import check_world_size
from hybridret.training.monitor import check_monitor

Beta = Annotated[float, Ge(0), Lt(1)]


@dataclass(frozen=True)
class OptimizerNumbers:
    """What optimizers of torch.optim have in common. Their own signatures have no bounds.

    A rate of 0 trains nothing, which is what a comparison with untrained weights wants.
    """

    lr: NotNegative | None
    weight_decay: NotNegative | None
    eps: NotNegative | None
    betas: list[Beta] | None


def check_training(training: TrainingSettings, learning_rate: LearningRateSettings, trainer: TrainerSettings) -> None:
    """Raise UserError naming the key of the first value that no training could use; needs no data and no model."""
    check_ranges(training, "training")
    check_ranges(trainer, "trainer")
    check_ranges(learning_rate, "schedule")
    check_count("trainer.workers", trainer.workers, "processes that make batches")
    check_count("trainer.threads", trainer.threads or 0, "threads")
    check_monitor(training)
    if training.ema and trainer.strategy == "fsdp":
        raise UserError(
            f"training.ema={training.ema}: the average of the weights is kept whole on every process, and "
            "trainer.strategy=fsdp shards them. Choose trainer.strategy=ddp, or set training.ema=0."
        )
    check_world_size(training.batch_size, trainer.devices * trainer.nodes)


def check_rates(section: Mapping[str, Any]) -> None:
    """Raise UserError for a rate, a weight decay or betas in `optim` that no optimizer takes."""
    for key, hint in hints_of(OptimizerNumbers).items():
        check_value(hint, section.get(key), f"optim.{key}")
