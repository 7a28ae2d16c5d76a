"""Before a training starts: its recipe, whether it fits this machine, and if not, a recipe that would.

Nothing is chosen silently, and nothing that cannot fit is started: hours in a queue cost more than a refusal.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from functools import cached_property

import torch

from hybridret.base.errors import UserError
from hybridret.base.machine import available_memory
from hybridret.components.components import Components
from hybridret.encoders.counting import counted
from hybridret.encoders.sizes import LARGE
from hybridret.planning.cost import fits
from hybridret.planning.gpus import Gpu, gpu_here
from hybridret.planning.memory import Memory
from hybridret.planning.plan import Plan
from hybridret.preflight.estimate import (
    Estimate,
    GpuEstimate,
    cheapest_gpu_estimate,
    check_assumptions,
    estimate,
    in_a_line,
)
from hybridret.preflight.plan_inputs import PlanInputs, plan_inputs
from hybridret.preflight.suggestion import command_with
from hybridret.preflight.wording import changed, count, gib, suggestion

TINY = 0.25
HALVED = 2  # the least bytes of a weight, in bf16
_CHOOSE = ("trainer", "optim", "adapter", "training.chunk_size", "training.chunk_tokens", "training.recompute",
           "training.recompute_layers", "training.compile", "training.batch_size", "backbone.attention")  # fmt: skip


@dataclass
class MemoryCheck:
    """What a point needs of the machine that it runs on. `target`: the GPU, or a process's share of the memory.

    The plan is made when it is first needed, and not at all where a crude bound shows that the point fits.
    """

    inputs: PlanInputs
    overrides: tuple[str, ...]
    target: Gpu
    estimate: Estimate | None = None  # where there is one already
    failed: str | None = None  # why there is no plan: a model that cannot be planned can still be trained

    @cached_property
    def plan(self) -> Plan:
        return self.inputs.plan_of(self.inputs.recipe)

    @cached_property
    def tiny(self) -> bool:
        """Whether even a crude upper bound is a small part of the memory."""
        return upper_bound(self.inputs) < TINY * self.target.memory_bytes

    @property
    def fits(self) -> bool:
        return self.tiny or self.failed is not None or fits(self.plan, self.target, self.inputs.settings.plan.reserve)

    def text(self) -> str:
        """The recipe, why it is this one, and the memory that it is expected to take."""
        named = [text for text in self.overrides if _chooses(text)]
        why = f"chosen by {' '.join(named)}, the rest by conf/" if named else "as conf/ has it"
        recipe = f"Recipe: {_spelled(self.inputs)} ({why})."
        if self.tiny:
            return f"{recipe} It needs a small part of {self.target.name}, {gib(self.target.memory_bytes)} GiB."
        if self.failed is not None:
            return f"{recipe}\nMemory: it cannot be planned ({self.failed})."
        verb = "fits" if self.fits else "does not fit, but plan.refuse=false"
        needed = f"{in_parts(self.plan.memory)} at the peak of a step"
        jsonl = str(self.inputs.settings.data.get("_target_")).endswith(".JsonlPairs")
        training = self.inputs.settings.training
        if training.hard_negatives is None and (jsonl or training.mined is not None):
            needed += ", hard negatives not counted"
        return f"{recipe}\nMemory: {needed}; {self.target.name} is {gib(self.target.memory_bytes)} GiB: {verb}."

    def shortage(self) -> str:
        """By how much it does not fit, and what would."""
        return (
            f"{gib(self.plan.memory.total)} GiB are needed as {_spelled(self.inputs)}; {self.target.name} is "
            f"{gib(self.target.memory_bytes)} GiB. {self.smaller(self.target.memory_bytes)}. To go on all the same: "
            f"plan.refuse=false."
        )

    def smaller(self, limit: float) -> str:
        """The cheapest recipe that takes at most `limit` bytes here, or else one that fits a GPU of `plan.gpus`; with
        its command. On the CPU it proposes no large model and no 8-bit Adam, which are too slow there.
        """
        here = replace(self.target, memory_bytes=int(limit))
        total = self.plan.parameters["total"]
        hopeless = HALVED * total > limit * self.inputs.recipe.devices or (self.inputs.on_cpu and total >= LARGE)
        asked, on_cpu = self.inputs.recipe, self.inputs.on_cpu
        found = None if hopeless else cheapest_gpu_estimate(self.inputs, asked, here, eight_bit=not on_cpu)
        there = 0 if on_cpu else torch.cuda.device_count()
        if found is not None and (found.recipe.devices == asked.devices or found.recipe.devices <= there):
            command = command_with(self.overrides, found.recipe, self.inputs, move=not on_cpu)
            what = changed(asked, found.recipe)
            return f"It fits here with {what}, {gib(found.plan.memory.total)} GiB: `{command}`"
        return elsewhere(self.estimate or estimate(self.inputs), self.overrides)


def memory_check(components: Components, overrides: Sequence[str], inputs: PlanInputs | None = None) -> MemoryCheck:
    """The plan of a point on this machine; `inputs`: where they are made already. Raises UserError for wrong `plan.*`
    keys.
    """
    point = inputs or plan_inputs(components)
    check_assumptions(point.settings.plan)
    return MemoryCheck(point, tuple(overrides), target_device(components))


def check_fits(components: Components, overrides: Sequence[str]) -> MemoryCheck:
    """Raise UserError for a training that cannot fit this machine, naming the recipe that would."""
    found = memory_check(components, overrides)
    try:
        _ = found.fits
    except UserError:
        raise
    except Exception as error:  # code that came with a checkpoint may do what fake tensors cannot follow
        found.failed = in_a_line(error)
    if found.fits or not components.settings.plan.refuse:
        return found
    name = components.settings.backbone.get("name", "backbone")
    counted = count(found.plan.parameters["total"])
    raise UserError(f"{name} {components.settings.model.size} ({counted} parameters) does not fit: {found.shortage()}")


def check_gpu(components: Components, overrides: Sequence[str]) -> None:
    """Raise UserError where a GPU is asked for and there is none, with the verdict on those of `plan.gpus`."""
    asked = components.settings.trainer.accelerator
    if asked not in ("gpu", "cuda") or torch.cuda.is_available() or torch.backends.mps.is_available():
        return
    why = " (this build of torch has no CUDA)" if torch.version.cuda is None else ""
    try:
        verdict = elsewhere(estimate(plan_inputs(components)), overrides)
    except UserError:
        raise
    except Exception as error:  # as in `check_fits`
        verdict = f"What it needs cannot be planned ({in_a_line(error)})"
    raise UserError(
        f"trainer.accelerator={asked}: torch sees no GPU on this machine{why}. Start it where there is one, or with "
        f"trainer=cpu. {verdict}."
    )


def elsewhere(found: Estimate, overrides: Sequence[str]) -> str:
    """The verdict of `plan` on the GPUs of `plan.gpus`."""
    best: GpuEstimate | None = found.best_as_asked or found.best
    if best is None:
        names = ", ".join(option.gpu.name for option in found.asked)
        return f"Plan knows no recipe for it on {names}: choose a smaller model or batch"
    return f"It fits {suggestion(overrides, found, best)}"


def upper_bound(point: PlanInputs) -> float:
    """An upper bound of the bytes that the training of a small transformer takes, without tracing it: weights,
    gradients, optimizer, and for each token of a whole batch the activations that a layer keeps, with full attention
    matrices for the largest possible number of heads.
    """
    body, work = point.body_of(point.recipe.adapter), point.workload
    longest = max(work.query_tokens, work.passage_tokens)
    of_layer = 48 * body.dimension + longest * body.dimension / 2
    tokens = 2 * work.batch_size * longest
    of_weight = 24.0 if work.averaged else 20.0
    return of_weight * counted(body)["total"] + 4.0 * tokens * (len(body.layers()) + 1) * of_layer


def in_parts(memory: Memory) -> str:
    """The total and its parts, in GiB."""
    named = ", ".join(
        f"{one.name} {gib(value)}"
        for one in fields(memory)
        if (value := getattr(memory, one.name)) >= 0.01 * memory.total
    )
    return f"{gib(memory.total)} GiB ({named})"


def target_device(components: Components) -> Gpu:
    """The GPU that a point runs on, or the share of the host's free memory that each of its processes may take."""
    if components.device != "cpu":
        found = gpu_here(int(components.device.rpartition(":")[2]))
        if found is not None:
            return found
    share = available_memory() // components.settings.trainer.devices
    return Gpu("this machine's free memory", share, 1.0, 1.0)


def _spelled(point: PlanInputs) -> str:
    spelled = point.recipe.spell()
    return (
        spelled.replace("1 GPU", "1 process on the CPU").replace("GPUs", "processes on the CPU")
        if point.on_cpu
        else spelled
    )


def _chooses(override: str) -> bool:
    key = override.partition("=")[0].lstrip("+~")
    return any(key == name or key.startswith(f"{name}.") for name in _CHOOSE)
