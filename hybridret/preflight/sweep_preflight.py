"""The plan of a sweep's points and all that each lacks on this machine, printed before any of them starts."""

from __future__ import annotations

from collections.abc import Sequence

from omegaconf import DictConfig, OmegaConf

from hybridret.base.errors import UserError
from hybridret.components.components import Components
from hybridret.config.validate import read_settings, resolved
from hybridret.encoders.backbone import Backbone
from hybridret.encoders.counting import counted
from hybridret.encoders.sizes import LARGE
from hybridret.preflight.estimate import PointEstimate
from hybridret.preflight.memory_check import memory_check
from hybridret.preflight.missing import MissingRequirement, gpu_is_here, line, missing_requirements, wants_gpu
from hybridret.preflight.plan_command import Estimates, filled
from hybridret.preflight.plan_table import print_plan

NOTE = (
    "Note: data=cldr is the built-in corpus of short generated sentences. For pairs of your own: data=jsonl "
    "data.path=FOLDER."
)


def check_points(points: Sequence[tuple[str, Sequence[str], DictConfig]], here: bool = True) -> list[str | None]:
    """Print the plan and what is missing; return for each point (label, overrides, config) None, or a line with the
    reason why it cannot run, and then each obstacle on a line of its own. A point that cannot be judged is left to its
    own process: no error of one point ends the others (docs/pitfalls.md#failing-points).
    """
    shared = Estimates()
    estimates = [_estimated(shared, label, overrides, config, here) for label, overrides, config in points]
    found = [missing_requirements(point, config, here) for point, (*_, config) in zip(estimates, points, strict=True)]
    if shown := [point for point in estimates if point.estimate is not None]:
        print_plan(shown)
        if any(str(OmegaConf.select(config, "data._target_")).endswith(".CldrCorpus") for *_, config in points):
            print(NOTE)
    for point, obstacles in zip(estimates, found, strict=True):
        if point.reason and not obstacles:
            print(f"{point.label}: no plan, and its own process says more: {line(point.reason)}")
    _print_missing(estimates, found)
    refused = [[one for one in each if one.certain or _refuses(config)]
               for each, (*_, config) in zip(found, points, strict=True)]  # fmt: skip
    return [
        None
        if not obstacles
        else "\n".join([f"cannot run here: {_kinds(obstacles)}; what to do stands above and in the run's log.txt"]
                       + [f"- {one.what}: {one.text}" for one in obstacles])
        for obstacles in refused
    ]  # fmt: skip


def _estimated(
    shared: Estimates, label: str, overrides: Sequence[str], config: DictConfig, here: bool
) -> PointEstimate:
    """The point with an estimate where this is useful, or with the reason for having none."""
    try:
        if _is_small(shared, config, here):
            return PointEstimate(label, tuple(overrides), None)
        return shared.of(label, overrides, config)
    except UserError as error:
        return PointEstimate(label, tuple(overrides), None, str(error))
    except Exception as error:  # code that came with a checkpoint, an unexpected value
        return PointEstimate(label, tuple(overrides), None, f"{type(error).__name__}: {str(error)[:200]}")


def _is_small(shared: Estimates, config: DictConfig, here: bool) -> bool:
    """Whether no plan is needed: the model is small and surely fits, and no missing GPU is asked for."""
    try:
        components = Components(read_settings(resolved(filled(config))))
        components.check()
        family = components.backbone
        if wants_gpu(components) and isinstance(family, Backbone):
            return (not here or gpu_is_here()) and counted(family.meta(components.settings.model.size))["total"] < LARGE
        expected = memory_check(components, (), shared.inputs(components))
        return expected.tiny and counted(expected.inputs.body_of(components.adapter.name))["total"] < LARGE
    except UserError:
        return False  # the estimate gives the reason


def _refuses(config: DictConfig) -> bool:
    return OmegaConf.select(config, "plan.refuse") is not False


def _print_missing(points: Sequence[PointEstimate], found: Sequence[Sequence[MissingRequirement]]) -> None:
    """Print what all points lack once, then what each point lacks besides."""
    if not any(found):
        return
    common = [one for one in found[0] if all(one in obstacles for obstacles in found)] if len(found) > 1 else []
    print("\nMissing here")
    if common:
        print("  every point:")
        for one in common:
            print(f"  - {one.what}: {one.text}")
    for point, obstacles in zip(points, found, strict=True):
        if own := [one for one in obstacles if one not in common]:
            print(f"  {point.label}:")
            for one in own:
                print(f"  - {one.what}: {one.text}")
    if not all(one.certain for obstacles in found for one in obstacles):
        print("  A point that lacks only a checkpoint or files of the hub starts all the same with plan.refuse=false.")
    print()


def _kinds(obstacles: Sequence[MissingRequirement]) -> str:
    return ", ".join(dict.fromkeys(one.what for one in obstacles))
