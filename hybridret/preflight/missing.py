"""What a point lacks on this machine: checkpoint, training data, benchmark files, memory, a GPU."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import torch
from omegaconf import DictConfig, OmegaConf

from hybridret.base.errors import UserError
from hybridret.base.machine import visible_gpus
from hybridret.components.components import Components
from hybridret.components.hub_cache import hub_is_reachable, is_here, is_pickled, offline
from hybridret.components.mined_negatives import missing_negatives
from hybridret.config.validate import read_settings, resolved
from hybridret.encoders.backbone import Backbone
from hybridret.encoders.sizes import resolve_size
from hybridret.preflight.estimate import PointEstimate
from hybridret.preflight.memory_check import MemoryCheck, elsewhere, target_device
from hybridret.preflight.plan_command import filled


@dataclass(frozen=True)
class MissingRequirement:
    """`what`: one word; `text`: what is missing, and the command that fetches or fits it. `certain`: False where only
    the hub's cache does not look as expected, which `plan.refuse=false` overrules.
    """

    what: str
    text: str
    certain: bool = True


def missing_requirements(point: PointEstimate, config: DictConfig, here: bool = True) -> list[MissingRequirement]:
    """All that can be found out here, in the order in which a user would fix it. `here`: the point runs here, so its
    GPU and memory are asked for as well."""
    found: list[MissingRequirement] = []
    try:
        found.extend(_each(point, config, here))  # what was found before an error stays
    except UserError as error:
        found.append(MissingRequirement("config", line(str(error))))
    except Exception:  # the point's own process explains it best
        return found
    return found


def _each(point: PointEstimate, config: DictConfig, here: bool) -> Iterator[MissingRequirement]:
    missing = [key for key in OmegaConf.missing_keys(config) if not key.startswith("hydra")]
    yield from (MissingRequirement(key, f"has no value: set {key}=FOLDER.") for key in sorted(missing))
    settings = read_settings(resolved(filled(config)))
    components = Components(settings)
    components.check()
    yield from _checkpoint(components)
    yield from _data(components, missing)
    for name, benchmark in components.benchmarks.items():
        local = settings.eval[name].get("path") is not None
        if f"eval.{name}.path" in missing or (not local and hub_is_reachable()):
            continue
        with offline():
            key = f"eval.{name}"
            texts = [line(text).removeprefix(f"{key}: ") for text in benchmark.missing()]
        yield from (MissingRequirement(key, text, certain=local) for text in texts)
    if here:
        yield from _machine(point, components)


def _data(components: Components, missing: Collection[str]) -> Iterator[MissingRequirement]:
    """Files of the training data. What the hub would deliver is not fetched here, and not in doubt where it answers."""
    section, source = components.settings.data, components.source
    if source is None or any(key.startswith("data.") for key in missing):
        return
    local = not _from_hub(section)
    if not local and hub_is_reachable():
        return
    with offline():
        texts = [line(text).removeprefix("data: ") for text in source.missing()]
    yield from (MissingRequirement("data", text, certain=local) for text in texts)
    name = components.settings.training.mined
    if not texts and name is not None and (text := missing_negatives(source, name, section)):
        yield MissingRequirement("training.mined", line(text).removeprefix(f"training.mined={name}: "))


def _from_hub(section: Mapping[str, Any]) -> bool:
    """Whether a source, or one of a mix, reads the hub: where its `path` is null."""
    if "path" in section and section["path"] is None:
        return True
    return any(_from_hub(one) for one in section.values() if isinstance(one, Mapping))


def _checkpoint(components: Components) -> Iterator[MissingRequirement]:
    family, size = components.backbone, components.settings.model.size
    if not isinstance(family, Backbone):
        return
    entry = family.sizes[resolve_size(family.sizes, size)]
    name = entry.get("checkpoint")
    if name is None or family.init == "random":
        return
    revision = entry.get("revision") or "main"
    if is_here(str(name), revision) or hub_is_reachable():
        return
    if is_pickled(str(name), revision):
        loads = f".from_pretrained('{name}').save_pretrained('FOLDER')"
        yield MissingRequirement(
            "checkpoint",
            f"{name} is in the local hub cache, but without safetensors: pickled weights are not read, they may run "
            f'code. Convert it where you trust it: python -c "from transformers import AutoModel, AutoTokenizer; '
            f'AutoModel{loads}; AutoTokenizer{loads}" ; then give the folder: '
            f"'backbone.sizes={{{size}: {{checkpoint: FOLDER}}}}'.",
            certain=False,
        )
    else:
        yield MissingRequirement(
            "checkpoint",
            f"{name} is neither a folder nor in the local hub cache, and the hub is not reached. On a connected "
            f"machine: hf download {name} ; then copy that cache here and set HF_HOME to it, or give the folder: "
            f"'backbone.sizes={{{size}: {{checkpoint: FOLDER}}}}'. Without a checkpoint: backbone.init=random.",
            certain=False,
        )


def _machine(point: PointEstimate, components: Components) -> Iterator[MissingRequirement]:
    """Too little memory on the CPU, or no GPU. The point's own process checks the memory of an existing GPU:
    a check here would occupy a part of that memory for as long as the sweep runs.
    """
    if point.estimate is None:
        return
    if wants_gpu(components) and not gpu_is_here():
        where = elsewhere(point.estimate, point.overrides)
        yield MissingRequirement(
            "GPU", f"trainer.accelerator={components.settings.trainer.accelerator}, and there is none. {where}"
        )
    elif components.settings.trainer.accelerator == "cpu":
        expected = MemoryCheck(point.estimate.inputs, point.overrides, target_device(components), point.estimate)
        if not expected.fits and components.settings.plan.refuse:
            yield MissingRequirement("memory", expected.shortage())


def wants_gpu(components: Components) -> bool:
    """Whether the point refuses to train without a GPU."""
    return components.settings.trainer.accelerator in ("gpu", "cuda")


def gpu_is_here() -> bool:
    """Whether there is a GPU. torch is asked too, since those of ROCm, WSL2 and Apple have no such device file; a count
    does not use it.
    """
    return bool(visible_gpus()) or torch.cuda.device_count() > 0 or torch.backends.mps.is_available()


def line(text: str) -> str:
    """A paragraph as one line."""
    return " ".join(text.split())
