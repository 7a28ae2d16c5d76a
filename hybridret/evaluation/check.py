"""Checks the settings of an evaluation before anything is encoded or trained."""

from __future__ import annotations

from hybridret.base.errors import UserError, nearest
from hybridret.base.machine import LARGEST
from hybridret.base.settings import EvaluationSettings
from hybridret.metrics.metric import SETTINGS

CHOICES = {"precision": ("fp32", "bf16", "fp16"), "vectors": ("float32", "float16")}
LEAST = {"batch_size": 1, "entropy_sample": 1, "depth": 1, "full_ranks": 0, "cache_from": 0}


def check_settings(settings: EvaluationSettings, device: str | None = None) -> None:
    """Raise UserError naming the first key of `evaluation` that is out of range or not possible on `device`."""
    for key, least in LEAST.items():
        if getattr(settings, key) < least:
            raise UserError(f"evaluation.{key}={getattr(settings, key)}: it must be at least {least}.")
    for key, known in CHOICES.items():
        if getattr(settings, key) not in known:
            raise UserError(f"evaluation.{key}={getattr(settings, key)}: choose one of {', '.join(known)}.")
    if settings.precision == "fp16" and device == "cpu":
        raise UserError("evaluation.precision=fp16 needs a GPU: on a CPU choose bf16 or fp32.")
    if not settings.settings:
        raise UserError(f"evaluation.settings is empty: choose from {', '.join(SETTINGS)}.")
    for setting in settings.settings:
        if setting not in SETTINGS:
            raise UserError(f"evaluation.settings: unknown setting {setting!r}. {nearest(setting, SETTINGS)}")
    if not settings.cutoffs:
        raise UserError("evaluation.cutoffs is empty: name one or more ranks, such as [10,100].")
    if bad := [cutoff for cutoff in settings.cutoffs if cutoff < 1]:
        raise UserError(f"evaluation.cutoffs: {bad[0]} is not a rank; the first rank is 1.")
    if settings.depth < max(settings.cutoffs):
        raise UserError(
            f"evaluation.depth={settings.depth} is below the cutoff {max(settings.cutoffs)}: raise evaluation.depth."
        )
    if not (0 < settings.entropy_temperature <= LARGEST):
        raise UserError(
            f"evaluation.entropy_temperature={settings.entropy_temperature}: it must be above 0 and finite."
        )
