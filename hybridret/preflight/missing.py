"""What a point lacks on this machine: checkpoint, training data, benchmark files, memory, a GPU."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from omegaconf import DictConfig, OmegaConf

from hybridret.base.errors import UserError
from hybridret.base.machine import visible_gpus
from hybridret.components.components import Parts
from hybridret.components.hub import hub_is_reachable, is_here, is_pickled, offline
from hybridret.config.validate import read_settings, resolved
from hybridret.encoders.sizes import resolve_size
from hybridret.preflight.estimate import PlannedPoint
from hybridret.preflight.memory_check import Expectation, elsewhere, place
from hybridret.preflight.plan_command import filled


@dataclass(frozen=True)
class Obstacle:
    """`what`: in a word; `text`: what is missing, and the command that fetches or fits it. `certain`: not only that
    the hub's cache does not look as expected, which `plan.refuse=false` overrules.
    """

    what: str
    text: str
    certain: bool = True


def obstacles_of(point: PlannedPoint, config: DictConfig) -> list[Obstacle]:
    """All that can be found out here, in the order in which one would see to it."""
    found: list[Obstacle] = []
    try:
        found.extend(_each(point, config))  # what came before an error stays
    except UserError as error:
        found.append(Obstacle("config", line(str(error))))
    except Exception:  # the point's own process says it best
        return found
    return found


def _each(point: PlannedPoint, config: DictConfig) -> Iterator[Obstacle]:
    missing = [key for key in OmegaConf.missing_keys(config) if not key.startswith("hydra")]
    yield from (Obstacle(key, f"has no value: set {key}=FOLDER.") for key in sorted(missing))
    settings = read_settings(resolved(filled(config)))
    parts = Parts(settings)
    parts.check()
    yield from _checkpoint(parts)
    look = getattr(parts.source, "missing", None)  # a corpus that is generated has no files
    if look is not None and "data.path" not in missing:
        yield from (Obstacle("data", line(text)) for text in look())
    for name, benchmark in parts.benchmarks.items():
        local = settings.eval[name].get("path") is not None
        if f"eval.{name}.path" in missing or (not local and hub_is_reachable()):
            continue
        with offline():
            key = f"eval.{name}"
            texts = [line(text).removeprefix(f"{key}: ") for text in benchmark.missing()]
        yield from (Obstacle(key, text, certain=local) for text in texts)
    yield from _machine(point, parts)


def _checkpoint(parts: Parts) -> Iterator[Obstacle]:
    family, size = parts.backbone, parts.settings.model.size
    entry = family.sizes[resolve_size(family.sizes, size)]
    name = entry.get("checkpoint")
    if name is None or getattr(family, "init", None) == "random":
        return
    revision = entry.get("revision") or "main"
    if is_here(str(name), revision) or hub_is_reachable():
        return
    if is_pickled(str(name), revision):
        loads = f".from_pretrained('{name}').save_pretrained('FOLDER')"
        yield Obstacle(
            "checkpoint",
            f"{name} is in the local hub cache, but without safetensors: pickled weights are not read, they may run "
            f'code. Convert it where you trust it: python -c "from transformers import AutoModel, AutoTokenizer; '
            f'AutoModel{loads}; AutoTokenizer{loads}" ; then give the folder: '
            f"'backbone.sizes={{{size}: {{checkpoint: FOLDER}}}}'.",
            certain=False,
        )
    else:
        yield Obstacle(
            "checkpoint",
            f"{name} is neither a folder nor in the local hub cache, and the hub is not reached. On a connected "
            f"machine: hf download {name} ; then copy that cache here and set HF_HOME to it, or give the folder: "
            f"'backbone.sizes={{{size}: {{checkpoint: FOLDER}}}}'. Without a checkpoint: backbone.init=random.",
            certain=False,
        )


def _machine(point: PlannedPoint, parts: Parts) -> Iterator[Obstacle]:
    """Too little memory on the CPU, or no GPU. What a GPU that is there holds is for the point's own process to see:
    to ask it here would keep a part of its memory for as long as the sweep runs.
    """
    if point.forecast is None:
        return
    if wants_gpu(parts) and not gpu_is_here():
        where = elsewhere(point.forecast, point.overrides)
        yield Obstacle("GPU", f"trainer.accelerator={parts.settings.trainer.accelerator}, and there is none. {where}")
    elif parts.settings.trainer.accelerator == "cpu":
        expected = Expectation(point.forecast.planned, point.overrides, place(parts), point.forecast)
        if not expected.fits and parts.settings.plan.refuse:
            yield Obstacle("memory", expected.shortage())


def wants_gpu(parts: Parts) -> bool:
    """Whether the point refuses to train without one."""
    return parts.settings.trainer.accelerator in ("gpu", "cuda")


def gpu_is_here() -> bool:
    """One that torch knows need not be a device file: those of ROCm, WSL2 and Apple are not. To count is not to use."""
    return bool(visible_gpus()) or torch.cuda.device_count() > 0 or torch.backends.mps.is_available()


def line(text: str) -> str:
    """A paragraph as one line."""
    return " ".join(text.split())
