"""What a validation measures by name, which way is better, and whether a training measures what it is to look at."""

from __future__ import annotations

from collections.abc import Iterable

from hybridret.base.errors import UserError
from hybridret.base.settings import TrainingSettings

LOSSES = ("loss", "mono", "cross")
LOWER = (*LOSSES, "mono_entropy", "cross_entropy")  # lower is better; of all others, higher


def is_better(name: str, value: float, best: float | None) -> bool:
    """Whether `value` of the quantity `name` is above everything that was measured before (losses: below)."""
    return best is None or (value < best if name in LOWER else value > best)


def check_monitor(training: TrainingSettings) -> None:
    """Raise UserError where the settings alone say that `training.monitor` is never measured."""
    name = training.monitor
    if training.validation_benchmark and not training.validate_retrieval:
        raise UserError(
            f"training.validation_benchmark={training.validation_benchmark}: no question of it is ranked, because "
            "training.validate_retrieval=0. Set it to a number of questions, such as 200."
        )
    if name not in LOSSES:
        if not training.validate_retrieval:
            raise UserError(
                f"training.monitor={name} is not measured: training.validate_retrieval=0. Set it to a number of "
                f"held-out questions, such as training.validate_retrieval=200, or set training.monitor=loss."
            )
    elif not training.validation_batches and (name != "loss" or training.validate_retrieval):
        raise UserError(
            f"training.monitor={name} is not measured: training.validation_batches=0. Set it to the number of "
            f"languages or more, or set training.monitor=mono_mrr with training.validate_retrieval=200."
        )


def check_measured(name: str, measured: Iterable[str]) -> None:
    """Raise UserError where the validation data does not give the quantity `name`, but only `measured`."""
    if name not in (known := list(measured)):
        why = "has no question in two languages" if name.startswith("cross") else "is empty or too small"
        choice = f"set training.monitor to one of {', '.join(known)}" if known else "hold out a larger part of the data"
        raise UserError(f"training.monitor={name} cannot be measured: the validation data {why}. Instead, {choice}.")
