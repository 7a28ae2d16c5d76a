"""Before a training starts: what it will run as, whether that fits this machine, and else what would.

Nothing is chosen silently, and nothing that cannot fit is started: hours of a queue are dearer than a refusal.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from functools import cached_property

import torch

from hybridret.base.errors import UserError
from hybridret.base.machine import available_memory
from hybridret.components.components import Parts
from hybridret.encoders.counting import counted
from hybridret.encoders.sizes import LARGE
from hybridret.planning.cost import fits
from hybridret.planning.gpus import Gpu, gpu_here
from hybridret.planning.memory import Memory
from hybridret.planning.plan import Plan
from hybridret.preflight.estimate import Forecast, Option, cheapest_option, check_assumptions, forecast, in_a_line
from hybridret.preflight.plan_inputs import Planned, planned
from hybridret.preflight.suggestion import command_with
from hybridret.preflight.wording import changed, count, gib, suggestion

TINY = 0.25
HALVED = 2  # bytes of a weight at the least, in bf16
_CHOOSE = ("trainer", "optim", "adapter", "training.chunk_size", "training.recompute", "training.recompute_layers",
           "training.compile", "training.batch_size", "backbone.attention")  # fmt: skip


@dataclass
class Expectation:
    """What a point expects of the machine that it runs on. `place`: the GPU, or a process's share of the host's memory.
    The plan is made when it is first asked for, which is never where a bound shows that it need not be.
    """

    planned: Planned
    overrides: tuple[str, ...]
    place: Gpu
    forecast: Forecast | None = None  # where there is one already
    failed: str | None = None  # why there is no plan: a model that cannot be planned can still be trained

    @cached_property
    def plan(self) -> Plan:
        return self.planned.plan_of(self.planned.recipe)

    @cached_property
    def tiny(self) -> bool:
        """Whether even a crude upper bound is a small part of the memory."""
        return upper_bound(self.planned) < TINY * self.place.memory_bytes

    @property
    def fits(self) -> bool:
        return self.tiny or self.failed is not None or fits(self.plan, self.place, self.planned.settings.plan.reserve)

    def told(self) -> str:
        """The recipe, why it is this one, and what it is expected to take."""
        named = [text for text in self.overrides if _chooses(text)]
        why = f"chosen by {' '.join(named)}, the rest by conf/" if named else "as conf/ has it"
        recipe = f"Recipe: {_spelled(self.planned)} ({why})."
        if self.tiny:
            return f"{recipe} It needs a small part of {self.place.name}, {gib(self.place.memory_bytes)} GiB."
        if self.failed is not None:
            return f"{recipe}\nMemory: it cannot be planned ({self.failed})."
        verb = "fits" if self.fits else "does not fit, but plan.refuse=false"
        needed = f"{in_parts(self.plan.memory)} at the peak of a step"
        if str(self.planned.settings.data.get("_target_")).endswith(".JsonlPairs"):
            needed += ", hard negatives not counted"
        return f"{recipe}\nMemory: {needed}; {self.place.name} is {gib(self.place.memory_bytes)} GiB: {verb}."

    def shortage(self) -> str:
        """By how much it does not fit, and what would."""
        return (
            f"{gib(self.plan.memory.total)} GiB are needed as {_spelled(self.planned)}; {self.place.name} is "
            f"{gib(self.place.memory_bytes)} GiB. {self.smaller(self.place.memory_bytes)}. To go on all the same: "
            f"plan.refuse=false."
        )

    def smaller(self, limit: float) -> str:
        """The cheapest recipe that takes at most `limit` bytes here, or else one that fits a GPU of `plan.gpus`; with
        its command. Nobody waits for a large model on the CPU, nor there for 8-bit Adam.
        """
        here = replace(self.place, memory_bytes=int(limit))
        total = self.plan.parameters["total"]
        hopeless = HALVED * total > limit * self.planned.recipe.devices or (self.planned.on_cpu and total >= LARGE)
        asked, on_cpu = self.planned.recipe, self.planned.on_cpu
        found = None if hopeless else cheapest_option(self.planned, asked, here, eight_bit=not on_cpu)
        there = 0 if on_cpu else torch.cuda.device_count()
        if found is not None and (found.recipe.devices == asked.devices or found.recipe.devices <= there):
            command = command_with(self.overrides, found.recipe, self.planned, move=not on_cpu)
            what = changed(asked, found.recipe)
            return f"It fits here with {what}, {gib(found.plan.memory.total)} GiB: `{command}`"
        return elsewhere(self.forecast or forecast(self.planned), self.overrides)


def expectation(parts: Parts, overrides: Sequence[str]) -> Expectation:
    """The plan of a point on this machine. Raises UserError for wrong `plan.*` keys."""
    point = planned(parts)
    check_assumptions(point.settings.plan)
    return Expectation(point, tuple(overrides), place(parts))


def admit(parts: Parts, overrides: Sequence[str]) -> Expectation:
    """Raise UserError for a training that cannot fit this machine, naming the recipe that would."""
    found = expectation(parts, overrides)
    try:
        _ = found.fits
    except UserError:
        raise
    except Exception as error:  # code that came with a checkpoint may do what fake tensors cannot follow
        found.failed = in_a_line(error)
    if found.fits or not parts.settings.plan.refuse:
        return found
    name = parts.settings.backbone.get("name", "backbone")
    counted = count(found.plan.parameters["total"])
    raise UserError(f"{name} {parts.settings.model.size} ({counted} parameters) does not fit: {found.shortage()}")


def check_gpu(parts: Parts, overrides: Sequence[str]) -> None:
    """Raise UserError where a GPU is asked for and there is none, with the verdict on those of `plan.gpus`."""
    asked = parts.settings.trainer.accelerator
    if asked not in ("gpu", "cuda") or torch.cuda.is_available() or torch.backends.mps.is_available():
        return
    why = " (this build of torch has no CUDA)" if torch.version.cuda is None else ""
    try:
        verdict = elsewhere(forecast(planned(parts)), overrides)
    except UserError:
        raise
    except Exception as error:  # as in `admit`
        verdict = f"What it needs cannot be planned ({in_a_line(error)})"
    raise UserError(
        f"trainer.accelerator={asked}: torch sees no GPU on this machine{why}. Start it where there is one, or with "
        f"trainer=cpu. {verdict}."
    )


def elsewhere(found: Forecast, overrides: Sequence[str]) -> str:
    """What `plan` says of the GPUs of `plan.gpus`."""
    best: Option | None = found.best_as_asked or found.best
    if best is None:
        names = ", ".join(option.gpu.name for option in found.asked)
        return f"Plan knows no recipe for it on {names}: choose a smaller model or batch"
    return f"It fits {suggestion(overrides, found, best)}"


def upper_bound(point: Planned) -> float:
    """Bytes that a training of a small transformer stays below, without a trace of it: weights, gradients, optimizer,
    and for each token of a whole batch what a layer keeps, with attention written out for as many heads as can be.
    """
    body, work = point.body_of(point.recipe.adapter), point.workload
    longest = max(work.query_tokens, work.passage_tokens)
    of_layer = 48 * body.dimension + longest * body.dimension / 2
    tokens = 2 * work.batch_size * longest
    return 20.0 * counted(body)["total"] + 4.0 * tokens * (len(body.layers()) + 1) * of_layer


def in_parts(memory: Memory) -> str:
    """The total and the parts that make it up, in GiB."""
    parts = ", ".join(
        f"{one.name} {gib(value)}"
        for one in fields(memory)
        if (value := getattr(memory, one.name)) >= 0.01 * memory.total
    )
    return f"{gib(memory.total)} GiB ({parts})"


def place(parts: Parts) -> Gpu:
    if parts.device != "cpu":
        found = gpu_here(int(parts.device.rpartition(":")[2]))
        if found is not None:
            return found
    share = available_memory() // parts.settings.trainer.devices
    return Gpu("this machine's free memory", share, 1.0, 1.0)


def _spelled(point: Planned) -> str:
    spelled = point.recipe.spell()
    return (
        spelled.replace("1 GPU", "1 process on the CPU").replace("GPUs", "processes on the CPU")
        if point.on_cpu
        else spelled
    )


def _chooses(override: str) -> bool:
    key = override.partition("=")[0].lstrip("+~")
    return any(key == name or key.startswith(f"{name}.") for name in _CHOOSE)
