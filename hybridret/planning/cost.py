"""From FLOPs to hours and money: pure functions."""

from __future__ import annotations

from hybridret.planning.gpus import Gpu
from hybridret.planning.plan import Plan
from hybridret.planning.recipe import Recipe
from hybridret.planning.workload import Workload


def seconds_per_step(plan: Plan, recipe: Recipe, gpu: Gpu, utilisation: float) -> float:
    """Seconds of one step at `utilisation` (0..1] of the peak, by model FLOPs: recomputation is part of what keeps the
    utilisation below 1 and is charged on top.
    """
    raise NotImplementedError


def gpu_hours(plan: Plan, recipe: Recipe, workload: Workload, gpu: Gpu, utilisation: float) -> float:
    """GPU-hours of the training: `devices` x `steps`."""
    raise NotImplementedError


def encoding_hours(plan: Plan, recipe: Recipe, gpu: Gpu, utilisation: float) -> float:
    """Hours in which all devices together encode the evaluation's queries and passages."""
    raise NotImplementedError


def fits(plan: Plan, gpu: Gpu, reserve: float) -> bool:
    """Whether the peak leaves the share `reserve` of the GPU's memory free."""
    raise NotImplementedError
