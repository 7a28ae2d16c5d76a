"""The cheapest recipe that fits a GPU, by a search that is small enough to be spelt out.

What changes the training is tried last. In this order, and the first step that has a recipe that fits ends the search:

1. the devices, optimizer and adapter that were asked for;
2. 8-bit Adam instead of that optimizer;
3. LoRA, with that optimizer;
4. FSDP2 over 2, 4, 8, 16, 32, 64 devices (more than asked for), with that optimizer and adapter.

Inside of a step the gradient is always the one asked for: chunks and layers as asked, computed again, or both, in
chunks of the size asked for, a quarter and a sixteenth of it. The recipe with the fewest GPU-hours wins, of equal ones
the one with the largest chunks.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial

from hybridret.encoders.dual import Body
from hybridret.planning.cost import fits, seconds_for, usable_bytes
from hybridret.planning.encoding import unchanged
from hybridret.planning.gpus import Gpu
from hybridret.planning.plan import executed, plan
from hybridret.planning.recipe import Recipe
from hybridret.planning.states import EIGHT_BIT
from hybridret.planning.step import SteadyState, peak
from hybridret.planning.workload import Workload

DEVICES = (2, 4, 8, 16, 32, 64)
MARGIN = 0.02  # of a peak that was scaled from chunks of another size
FIRST_CHUNK = 64  # texts, where a recipe without chunks has to get some


def cheapest(
    body_of: Callable[[str], Body],
    pooling: str,
    recipe: Recipe,
    workload: Workload,
    gpu: Gpu,
    utilisation: float,
    reserve: float,
    eight_bit: bool = True,
) -> Recipe | None:
    """The recipe with the fewest GPU-hours among those near `recipe` that fit; None where none does.

    `body_of(adapter)` is the body on the meta device with the adapter `full` or `lora` applied, the same object
    whenever it is asked for again. `eight_bit`: whether 8-bit Adam may take the place of another optimizer.
    """
    for changed in _steps(recipe, workload, eight_bit):
        body = body_of(changed.adapter)
        with unchanged(body):
            found = _of_step(body, pooling, changed, workload, gpu, utilisation, reserve)
        if found is not None:
            return found
    return None


def _of_step(
    body: Body, pooling: str, changed: Recipe, workload: Workload, gpu: Gpu, utilisation: float, reserve: float
) -> Recipe | None:
    """The cheapest of those with the gradient of `changed` that fit."""
    if SteadyState.of(body, changed, workload.averaged).stepping(changed).total > usable_bytes(gpu, reserve):
        return None  # whatever the chunks
    ways = list(_same_gradient(changed, workload))
    like = max(way.chunk_size or 0 for way in ways[1:])
    nearly = partial(_nearly_fits, body, pooling, workload, usable_bytes(gpu, reserve), like)
    if not any(nearly(way) for way in [changed, *_least(ways)]):
        return None
    costs = {way: _gpu_seconds(body, pooling, way, workload, gpu, utilisation) for way in ways}
    ways.sort(key=costs.__getitem__)  # stable: larger chunks first
    for way in ways:
        if nearly(way) and fits(plan(body, pooling, way, workload), gpu, reserve):
            return way
    return None


def _nearly_fits(body: Body, pooling: str, workload: Workload, room: float, like: int, recipe: Recipe) -> bool:
    """Whether it fits, or fails to by a hair, judged from one measurement for all sizes of chunks."""
    return peak(body, pooling, recipe, workload, like).total <= room * (1 + MARGIN)


def _gpu_seconds(body: Body, pooling: str, recipe: Recipe, workload: Workload, gpu: Gpu, utilisation: float) -> float:
    flops = executed(body, pooling, recipe, workload)
    return recipe.devices * seconds_for(flops, recipe, gpu, utilisation)


def _least(ways: list[Recipe]) -> list[Recipe]:
    """Those that need least. Chunks that are computed again each make a gradient of the embedding table: with a large
    vocabulary it can be less to compute only the layers again.
    """
    smallest = min(way.chunk_size or 0 for way in ways[1:])
    return [way for way in ways[1:] if way.chunk_size == smallest and way.recompute_layers]


def _steps(recipe: Recipe, workload: Workload, eight_bit: bool) -> Iterator[Recipe]:
    yield recipe
    if eight_bit and recipe.optimizer != EIGHT_BIT:
        yield replace(recipe, optimizer=EIGHT_BIT)
    if recipe.adapter != "lora":
        yield replace(recipe, adapter="lora")
    for devices in () if workload.averaged else DEVICES:  # an average is not sharded
        if devices > recipe.devices and workload.batch_size % devices == 0:
            yield replace(recipe, devices=devices, sharded=True)


def _same_gradient(recipe: Recipe, workload: Workload) -> Iterator[Recipe]:
    yield recipe
    local = -(-workload.batch_size // recipe.devices)
    size = min(recipe.chunk_size or FIRST_CHUNK, local)
    if recipe.chunk_tokens is not None:  # it stays a limit: smaller chunks are those of fewer texts than it lets in
        size = min(size, max(recipe.chunk_tokens // workload.passage_tokens, 1))
    sizes = sorted({max(size // part, 1) for part in (1, 4, 16)}, reverse=True)
    for recompute, layers in ((False, True), (True, False), (True, True)):
        for chunk_size in sizes:
            changed = replace(
                recipe,
                chunk_size=chunk_size,
                recompute=recompute or recipe.recompute,
                recompute_layers=layers or recipe.recompute_layers,
            )
            if changed != recipe:
                yield changed
