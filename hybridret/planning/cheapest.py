"""The cheapest recipe that fits a GPU."""

from __future__ import annotations

from collections.abc import Callable

from hybridret.encoders.dual import Body
from hybridret.planning.gpus import Gpu
from hybridret.planning.recipe import Recipe
from hybridret.planning.workload import Workload


def cheapest(
    body_of: Callable[[str], Body],
    pooling: str,
    recipe: Recipe,
    workload: Workload,
    gpu: Gpu,
    utilisation: float,
    reserve: float,
) -> Recipe | None:
    """The recipe with the fewest GPU-hours among those near `recipe` that fit; None where none does.

    `body_of(adapter)` is the body on the meta device with the adapter `full` or `lora` applied; it is called once for
    each.
    """
    raise NotImplementedError
