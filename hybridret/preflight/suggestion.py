"""A command that would work, from the command that would not: the user's own overrides with another recipe."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path

from omegaconf import OmegaConf

from hybridret.base.settings import Settings
from hybridret.config.entry import config_folder
from hybridret.encoders.sizes import resolve_size
from hybridret.planning.recipe import Recipe
from hybridret.preflight.plan_inputs import PlanInputs

_OF_A_RECIPE = ("trainer.accelerator", "trainer.devices", "trainer.nodes", "trainer.strategy", "trainer.precision")
LORA_RATE = 10  # times the rate of full fine-tuning, as in conf/adapter/lora.yaml


def command_with(overrides: Sequence[str], recipe: Recipe, point: PlanInputs, move: bool = True) -> str:
    """The command that trains `point`, which `overrides` ask for, with `recipe`. `move`: on GPUs; else where it runs
    now. More than one machine needs a rendezvous, so such a command is one for SLURM.

    >>> command_with(["model=3b", "trainer.devices=2"], one_gpu, point)
    'python -m hybridret.run model=3b trainer=gpu trainer.precision=bf16-mixed'
    """
    asked = point.gpu_recipe if move else point.recipe
    same = set(asked.overrides())
    wanted = {
        _key(text): text.partition("=")[2]
        for text in recipe.overrides()
        if text not in same or (move and _key(text).startswith("trainer"))
    }
    if move and recipe.devices == asked.devices > 1:  # the same devices stay on the machines that they are on
        wanted["trainer.devices"] = str(point.settings.trainer.devices)
        wanted["trainer.nodes"] = str(point.settings.trainer.nodes)
    replaced = set(wanted) | (set(_OF_A_RECIPE) if move else set())
    if wanted.get("trainer.nodes") == "1":
        del wanted["trainer.nodes"]
    kept = [text for text in overrides if _key(text) not in replaced and not _key(text).startswith(("hydra", "plan."))]
    if "optim" in wanted:
        kept = _that_it_has(wanted["optim"], kept)
    if wanted.get("adapter") == "lora":
        wanted |= _rate(overrides, point.settings)
    return _command(kept, wanted)


def _command(kept: Sequence[str], wanted: Mapping[str, str]) -> str:
    devices = wanted.get("trainer.devices", "1")
    words = [*kept, *(f"{key}={value}" for key, value in wanted.items())]
    if wanted.get("trainer.nodes", "1") != "1":
        return shlex.join(["python", "-m", "hybridret.run", "-m", "hydra/launcher=slurm", *words])
    program = ["python"] if devices == "1" else ["torchrun", f"--nproc-per-node={devices}"]
    return shlex.join([*program, "-m", "hybridret.run", *words])


def _that_it_has(optimizer: str, overrides: Sequence[str]) -> list[str]:
    """The overrides without those of `optim.*` that the yaml of `optimizer` does not have."""
    path = Path(config_folder()) / "optim" / f"{optimizer}.yaml"
    has = {f"optim.{key!s}" for key in OmegaConf.load(path)} if path.is_file() else set()
    ours = [text for text in overrides if not _key(text).startswith("optim.") or _key(text) in has]
    return [text.lstrip("+") if text.startswith("+optim.") else text for text in ours]  # the key exists: no `+`


def _rate(overrides: Sequence[str], settings: Settings) -> dict[str, str]:
    """The learning rate for LoRA, unless the user chose one."""
    sizes = settings.backbone["sizes"]
    of_size = sizes[resolve_size(sizes, settings.model.size)].get("lr")
    chosen = any(_key(text) == "optim.lr" for text in overrides) or settings.optim.get("lr") != of_size
    return {} if chosen or of_size is None else {"optim.lr": f"{LORA_RATE * of_size:g}"}


def _key(override: str) -> str:
    return override.partition("=")[0].strip().lstrip("+~")
