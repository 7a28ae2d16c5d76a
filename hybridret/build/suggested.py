"""A command that would work, from the command that would not: the user's own overrides with another recipe."""

from __future__ import annotations

import shlex
from collections.abc import Sequence

from hybridret.planning.recipe import Recipe

_OF_A_RECIPE = ("trainer.accelerator", "trainer.devices", "trainer.nodes", "trainer.strategy", "trainer.precision")


def command_with(overrides: Sequence[str], recipe: Recipe, asked: Recipe, move: bool = True) -> str:
    """The command that trains the point of `overrides`, which asks for the recipe `asked`, with `recipe`. `move`: on
    GPUs; else where it runs now.

    >>> command_with(["model=3b", "trainer.devices=2"], one_gpu, asked)
    'python -m hybridret.run model=3b trainer=gpu trainer.precision=bf16-mixed'
    """
    same = set(asked.overrides())
    wanted = [text for text in recipe.overrides() if text not in same or (move and _key(text).startswith("trainer"))]
    replaced = {_key(text) for text in wanted} | (set(_OF_A_RECIPE) if move else set())
    kept = [text for text in overrides if _key(text) not in replaced and not _key(text).startswith(("hydra", "plan."))]
    return shlex.join([*_program(wanted), *kept, *wanted])


def _program(wanted: Sequence[str]) -> list[str]:
    values = dict(text.split("=", 1) for text in wanted)
    devices, nodes = values.get("trainer.devices", "1"), values.get("trainer.nodes", "1")
    if (devices, nodes) == ("1", "1"):
        return ["python", "-m", "hybridret.run"]
    several = [] if nodes == "1" else [f"--nnodes={nodes}"]
    return ["torchrun", *several, f"--nproc-per-node={devices}", "-m", "hybridret.run"]


def _key(override: str) -> str:
    return override.partition("=")[0].strip().lstrip("+~")
