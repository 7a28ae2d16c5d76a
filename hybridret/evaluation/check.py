"""Checks the settings of an evaluation before anything is encoded or trained."""

from __future__ import annotations

from hybridret.base.errors import UserError
from hybridret.base.ranges import check_ranges
from hybridret.base.settings import EvaluationSettings


def check_settings(settings: EvaluationSettings, device: str | None = None) -> None:
    """Raise UserError naming the first key of `evaluation` that is out of range or not possible on `device`."""
    check_ranges(settings, "evaluation")
    if settings.precision == "fp16" and device == "cpu":
        raise UserError("evaluation.precision=fp16 needs a GPU: on a CPU choose bf16 or fp32.")
    if settings.depth < max(settings.cutoffs):
        raise UserError(
            f"evaluation.depth={settings.depth} is below the cutoff {max(settings.cutoffs)}: raise evaluation.depth."
        )
