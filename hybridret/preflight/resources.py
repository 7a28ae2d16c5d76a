"""What a job of a cluster must have for a point: devices from its config, memory and time from its plan, with a margin.

A plan is of the GPUs of `plan.gpus`: a cluster's own stand in `conf/local/default.yaml`. What fits none of them, or not
within the limits of the site, is refused before anything is queued.
"""

from __future__ import annotations

import math
import typing
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from typing import Any

from omegaconf import DictConfig, OmegaConf

from hybridret.sweep.engines.engine import Resources

if typing.TYPE_CHECKING:
    from hybridret.preflight.plan_command import Estimates

MARGIN = 1.5  # of memory and time: a plan knows neither a slow file system nor the sizes of all pools
GIB = float(1 << 30)
PROCESS = 2.0  # GiB of a process before its model: libraries, a batch, the texts of a small source
STATE = 12.0  # bytes of host memory for each parameter: weights and Adam's moments while a checkpoint is written
PER_GPU = 4  # cores: the training process and those that read batches
START = 15  # minutes of a job before the first step and after the last
TRACED = 4 * GIB  # a crude bound below this is good enough: no step is traced for it


def resources(
    points: Sequence[tuple[Sequence[str], DictConfig]], asked: Mapping[str, Any], limits: Mapping[str, Any]
) -> list[Resources | str]:
    """For each point what its job needs, or a line that says why it fits nowhere.

    asked: gpus, cores, memory (GiB, of a node) and minutes that the user named, None for those that follow from the
    plan; limits: the most of each, and of nodes. A point that cannot be planned leaves memory and time to the cluster.
    """
    shared = cache(_estimates)
    return [of_point(config, overrides, asked, limits, shared) for overrides, config in points]


def _estimates() -> Estimates:
    from hybridret.preflight.plan_command import Estimates  # torch, transformers

    return Estimates()


def of_point(
    config: DictConfig,
    overrides: Sequence[str],
    asked: Mapping[str, Any],
    limits: Mapping[str, Any],
    shared: Callable[[], Estimates],
) -> Resources | str:
    """`resources` for one point; `shared()`: the estimates that points have in common, made where one is needed."""
    devices, nodes = _count(config, "devices"), _count(config, "nodes")
    on_cpu = str(OmegaConf.select(config, "trainer.accelerator")) == "cpu"
    memory, minutes, hours = asked.get("memory"), asked.get("minutes"), None
    if memory is None or (minutes is None and not on_cpu):
        found = _needed(config, overrides, shared, on_cpu, devices)
        if isinstance(found, str):
            return found
        memory = found[0] if memory is None else memory
        hours = found[1]
        minutes = _with_margin(hours) if minutes is None else minutes
    if asked.get("minutes") is None:
        minutes = _capped(minutes, limits.get("minutes"), math.inf if on_cpu else None)
    gpus = asked.get("gpus")
    gpus = (0 if on_cpu else devices) if gpus is None else gpus
    cores = asked.get("cores") or _capped(devices * _cores(config, on_cpu), limits.get("cores"), None)
    wanted = Resources(nodes, devices, int(gpus), max(devices, int(cores or 1)), memory, minutes, hours)
    return beyond(wanted, limits) or wanted


def beyond(wanted: Resources, limits: Mapping[str, Any]) -> str | None:
    """Which limit a job would break, None where it keeps all."""
    for key in ("nodes", "gpus", "cores", "memory", "minutes"):
        value, limit = getattr(wanted, key), limits.get(key)
        if value is not None and limit is not None and value > limit:
            unit = " GiB of memory" if key == "memory" else f" {key if key != 'gpus' else 'GPUs'}"
            return (
                f"fits no node: it needs {value:.4g}{unit}, and hydra.launcher.limits.{key} is {limit:.4g}. Choose a "
                f"smaller recipe (python -m hybridret.plan) or raise the limit"
            )
    return None


def _needed(
    config: DictConfig, overrides: Sequence[str], shared: Callable[[], Estimates], on_cpu: bool, devices: int
) -> tuple[float | None, float | None] | str:
    """GiB of a node and hours, None where a plan cannot say; or why the point fits no GPU."""
    from hybridret.components.components import Components
    from hybridret.config.validate import read_settings, resolved
    from hybridret.preflight.memory_check import elsewhere, upper_bound
    from hybridret.preflight.plan_command import filled

    try:
        components = Components(read_settings(resolved(filled(config))))
        inputs = shared().inputs(components)
        if on_cpu:
            bound = upper_bound(inputs)
            total = bound if bound < TRACED else inputs.plan_of(inputs.recipe).memory.total
            return _rounded(devices * (MARGIN * total / GIB + PROCESS)), None
        found = shared().of("", overrides, config).estimate
        if found is None:
            return None, None
        fitting = [option for option in found.asked if option.fits]
        if not fitting and inputs.settings.plan.refuse:
            where = elsewhere(found, overrides)
            return f"fits no GPU of plan.gpus as it is. {where}. To queue it all the same: plan.refuse=false"
        hours = max(option.hours + option.encoding_hours for option in fitting or found.asked)
        held = STATE * found.plan.parameters["total"] / GIB
        return _rounded(devices * (held + PROCESS + PROCESS)), hours
    except Exception:  # nothing to plan (BM25), a value of another type: the point's own process explains it best
        return None, None


def _with_margin(hours: float | None) -> int | None:
    return None if hours is None else START + math.ceil(60 * MARGIN * hours)


def _cores(config: DictConfig, on_cpu: bool) -> int:
    """Cores of one process."""
    workers, threads = (OmegaConf.select(config, f"trainer.{key}") for key in ("workers", "threads"))
    least = 1 if on_cpu else PER_GPU
    return max(least, int(threads or 1) if isinstance(threads, int) else least, (workers or 0) + 1)


def _count(config: DictConfig, key: str) -> int:
    value = OmegaConf.select(config, f"trainer.{key}", default=1)
    return max(1, value) if isinstance(value, int) else 1


def _capped(value: float | None, limit: float | None, unknown: float | None) -> int | None:
    """The smaller of both; of an unknown value with a limit, the limit where `unknown` says that it may be any."""
    if value is None:
        value = unknown
    known = [one for one in (value, limit) if one is not None]
    return int(min(known)) if value is not None and min(known) != math.inf else None


def _rounded(gib: float) -> float:
    """Upwards to two digits: points of nearly equal needs become one array."""
    scale = 10.0 ** (1 - math.floor(math.log10(gib)))
    return math.ceil(gib * scale) / scale
