"""The estimate of one point: its plan, and on each GPU of `plan.gpus` whether it fits, its time and its cost."""

from __future__ import annotations

from dataclasses import dataclass

from hybridret.base.errors import UserError
from hybridret.base.ranges import check_ranges
from hybridret.base.settings import PlanSettings
from hybridret.planning.cheapest import cheapest
from hybridret.planning.cost import encoding_hours, fits, gpu_hours, seconds_per_step
from hybridret.planning.gpus import Gpu, gpu_by_name
from hybridret.planning.plan import Plan
from hybridret.planning.recipe import Recipe
from hybridret.preflight.plan_inputs import PlanInputs


@dataclass(frozen=True)
class GpuEstimate:
    """One recipe on one kind of GPU. `hours`: wall-clock time of the training, `gpu_hours`: of all its devices;
    `encoding_hours` of the evaluation, on one GPU; `cost` of both, in the currency of the price.
    """

    gpu: Gpu
    recipe: Recipe
    plan: Plan
    fits: bool
    seconds_per_step: float
    hours: float
    gpu_hours: float
    encoding_hours: float
    cost: float

    @property
    def all_gpu_hours(self) -> float:
        """The GPU-hours that are paid: of the training's devices, and of one GPU for the evaluation."""
        return self.gpu_hours + self.encoding_hours


@dataclass(frozen=True)
class Estimate:
    """`plan`: of the recipe as asked. `asked` and `cheapest` have an option for each GPU, in the order of `plan.gpus`;
    None in `cheapest` where nothing near the recipe fits.
    """

    inputs: PlanInputs
    plan: Plan
    asked: tuple[GpuEstimate, ...]
    cheapest: tuple[GpuEstimate | None, ...]

    @property
    def best_as_asked(self) -> GpuEstimate | None:
        """The cheapest GPU that the recipe fits as it is."""
        return _least([option for option in self.asked if option.fits])

    @property
    def best(self) -> GpuEstimate | None:
        """The cheapest recipe on all GPUs, among those that change the training least: the recipe of a point matters
        more than a few per cent of its cost.
        """
        options = [option for option in self.cheapest if option is not None]
        nearest = min((self._departure(option) for option in options), default=None)
        return _least([option for option in options if self._departure(option) == nearest])

    def _departure(self, option: GpuEstimate) -> tuple[bool, bool, bool]:
        asked, other = self.inputs.gpu_recipe, option.recipe
        return other.devices != asked.devices, other.adapter != asked.adapter, other.optimizer != asked.optimizer


@dataclass(frozen=True)
class PointEstimate:
    """A point with its estimate, or with the `reason` for having none; `skipped`: the family lacks the size."""

    label: str
    overrides: tuple[str, ...]
    estimate: Estimate | None
    reason: str = ""
    skipped: bool = False


def estimate(inputs: PlanInputs) -> Estimate:
    """Raises UserError for a GPU that is not known, an assumption out of range, and what `plan` refuses."""
    settings = inputs.settings.plan
    gpus = check_assumptions(settings)
    recipe = inputs.gpu_recipe
    asked = tuple(gpu_estimate(inputs, recipe, gpu) for gpu in gpus)
    least = tuple(cheapest_gpu_estimate(inputs, recipe, gpu) for gpu in gpus)
    return Estimate(inputs, inputs.plan_of(recipe), asked, least)


def gpu_estimate(inputs: PlanInputs, recipe: Recipe, gpu: Gpu) -> GpuEstimate:
    """The estimate of `recipe` on `gpu`."""
    settings, workload = inputs.settings.plan, inputs.workload
    made = inputs.plan_of(recipe)
    training = gpu_hours(made, recipe, workload, gpu, settings.utilisation)
    encoding = encoding_hours(made, inputs.settings.evaluation.precision, gpu, settings.utilisation)
    return GpuEstimate(
        gpu=gpu,
        recipe=recipe,
        plan=made,
        fits=fits(made, gpu, settings.reserve),
        seconds_per_step=seconds_per_step(made, recipe, gpu, settings.utilisation),
        hours=training / recipe.devices,
        gpu_hours=training,
        encoding_hours=encoding,
        cost=(training + encoding) * settings.price_per_gpu_hour,
    )


def cheapest_gpu_estimate(inputs: PlanInputs, recipe: Recipe, gpu: Gpu, eight_bit: bool = True) -> GpuEstimate | None:
    """The recipe with the fewest GPU-hours among those near `recipe` that fit `gpu`. `eight_bit`: whether 8-bit Adam
    may be among them.
    """
    settings, body_of, pooling = inputs.settings.plan, inputs.body_of, inputs.pooling
    found = cheapest(body_of, pooling, recipe, inputs.workload, gpu, settings.utilisation, settings.reserve, eight_bit)
    return None if found is None else gpu_estimate(inputs, found, gpu)


def check_assumptions(settings: PlanSettings) -> list[Gpu]:
    """The GPUs of `plan.gpus`. Raises UserError for an unknown one and for shares and prices that cannot be."""
    check_ranges(settings, "plan")
    if not settings.gpus:
        raise UserError("plan.gpus is empty: name one or more, such as plan.gpus=[h200].")
    return [gpu_by_name(name) for name in settings.gpus]


def in_a_line(error: Exception) -> str:
    """Why a model cannot be planned, for an error that is no UserError."""
    return f"{type(error).__name__}: {' '.join(str(error).split())[:200]}"


def _least(options: list[GpuEstimate]) -> GpuEstimate | None:
    return min(options, key=lambda one: one.all_gpu_hours, default=None)
