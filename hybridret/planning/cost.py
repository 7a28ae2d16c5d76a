"""From FLOPs to hours and money: pure functions."""

from __future__ import annotations

from hybridret.planning.gpus import Gpu
from hybridret.planning.plan import Plan
from hybridret.planning.recipe import Recipe
from hybridret.planning.workload import Workload


def seconds_per_step(plan: Plan, recipe: Recipe, gpu: Gpu, utilisation: float) -> float:
    """Seconds of one step. `utilisation` (0..1] is the share of the peak that a training reaches which computes nothing
    again; what is computed again comes on top. Nothing is added for talk between devices.
    """
    return seconds_for(plan.flops_per_step_executed, recipe, gpu, utilisation)


def seconds_for(flops: float, recipe: Recipe, gpu: Gpu, utilisation: float) -> float:
    """Seconds in which all devices together do `flops`."""
    return flops / (recipe.devices * gpu.flops(recipe.precision) * utilisation)


def gpu_hours(plan: Plan, recipe: Recipe, workload: Workload, gpu: Gpu, utilisation: float) -> float:
    """GPU-hours of the whole training, evaluation left out."""
    return recipe.devices * workload.steps * seconds_per_step(plan, recipe, gpu, utilisation) / 3600


def encoding_hours(plan: Plan, precision: str, gpu: Gpu, utilisation: float) -> float:
    """Hours in which one GPU encodes the evaluation's queries and passages, whatever the devices of the training: the
    other processes of a run leave before. `precision`: of the evaluation, fp32, bf16 or fp16.
    """
    return plan.encoding_flops / (gpu.flops(precision) * utilisation) / 3600


def fits(plan: Plan, gpu: Gpu, reserve: float) -> bool:
    """Whether the peak leaves the share `reserve` of the GPU's memory free."""
    return plan.memory.total <= usable_bytes(gpu, reserve)


def usable_bytes(gpu: Gpu, reserve: float) -> float:
    """What a training may take of the memory of `gpu`."""
    return gpu.memory_bytes * (1 - reserve)
