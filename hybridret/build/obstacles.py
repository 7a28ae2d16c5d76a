"""What a point lacks on this machine: checkpoint, training data, benchmark files, memory, a GPU."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from omegaconf import DictConfig, OmegaConf

from hybridret.build.admission import Expectation, elsewhere, expectation, place
from hybridret.build.config import read_settings, resolved
from hybridret.build.forecast import PlannedPoint
from hybridret.build.grid import labels
from hybridret.build.hub import hub_is_reachable, offline
from hybridret.build.parts import Parts
from hybridret.build.plan_table import print_plan
from hybridret.build.plans import Forecasts, filled
from hybridret.build.readiness import LARGE, is_here
from hybridret.cluster.processes import visible_gpus
from hybridret.encoders.counting import counted
from hybridret.encoders.sizes import resolve_size
from hybridret.errors import UserError

NOTE = (
    "Note: data=cldr is the built-in corpus of short generated sentences. For pairs of your own: data=jsonl "
    "data.path=FOLDER."
)


@dataclass(frozen=True)
class Obstacle:
    """`what`: in a word; `text`: what is missing, and the command that fetches or fits it."""

    what: str
    text: str


def looked_over(points: Sequence[tuple[Sequence[str], DictConfig]]) -> list[str | None]:
    """Print the plan and what is missing; return for each point None, or a line that says why it cannot run, and then
    each obstacle on a line of its own.
    """
    forecasts = Forecasts()
    names = list(labels([list(overrides) for overrides, _ in points]))
    planned = [
        PlannedPoint(label, tuple(overrides), None) if _is_small(config) else forecasts.of(label, overrides, config)
        for label, (overrides, config) in zip(names, points, strict=True)
    ]
    found = [_obstacles(point, config) for point, (_, config) in zip(planned, points, strict=True)]
    if shown := [point for point in planned if point.forecast is not None]:
        print_plan(shown)
        if any(str(OmegaConf.select(config, "data._target_")).endswith(".CldrCorpus") for _, config in points):
            print(NOTE)
    _print_missing(planned, found)
    return [
        None
        if not obstacles
        else "\n".join([f"cannot run here: {_kinds(obstacles)}; what to do stands above and in the run's log.txt"]
                       + [f"- {one.what}: {one.text}" for one in obstacles])
        for obstacles in found
    ]  # fmt: skip


def _is_small(config: DictConfig) -> bool:
    """Whether a plan has nothing to tell: a small model that surely fits, and no GPU is asked for in vain."""
    try:
        parts = Parts(read_settings(resolved(filled(config))))
        asked = parts.settings.trainer.accelerator
        if asked in ("gpu", "cuda"):
            return bool(visible_gpus()) and counted(parts.backbone.meta(parts.settings.model.size))["total"] < LARGE
        expected = expectation(parts, ())
        return expected.tiny and counted(expected.planned.body_of(parts.adapter.name))["total"] < LARGE
    except UserError:
        return False  # the forecast says why


def _print_missing(points: Sequence[PlannedPoint], found: Sequence[Sequence[Obstacle]]) -> None:
    """What all points lack once, then what each lacks besides."""
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
    print()


def _kinds(obstacles: Sequence[Obstacle]) -> str:
    return ", ".join(dict.fromkeys(one.what for one in obstacles))


def _obstacles(point: PlannedPoint, config: DictConfig) -> list[Obstacle]:
    missing = [key for key in OmegaConf.missing_keys(config) if not key.startswith("hydra")]
    found = [Obstacle(key, f"has no value: set {key}=FOLDER.") for key in sorted(missing)]
    try:
        settings = read_settings(resolved(filled(config)))
        parts = Parts(settings)
        parts.check()
    except UserError as error:
        return [*found, Obstacle("config", _line(str(error)))]
    found += _checkpoint(parts)
    look = getattr(parts.source, "missing", None)  # a corpus that is generated has no files
    if look is not None and "data.path" not in missing:
        found += [Obstacle("data", _line(text)) for text in look()]
    for name, benchmark in parts.benchmarks.items():
        local = settings.eval[name].get("path") is not None
        if f"eval.{name}.path" in missing or (not local and hub_is_reachable()):
            continue
        with offline():
            key = f"eval.{name}"
            found += [Obstacle(key, _line(text).removeprefix(f"{key}: ")) for text in benchmark.missing()]
    found += _machine(point, parts)
    return found


def _checkpoint(parts: Parts) -> Iterator[Obstacle]:
    family, size = parts.backbone, parts.settings.model.size
    entry = family.sizes[resolve_size(family.sizes, size)]
    name = entry.get("checkpoint")
    if name is None or getattr(family, "init", None) == "random":
        return
    if not is_here(str(name), entry.get("revision") or "main") and not hub_is_reachable():
        yield Obstacle(
            "checkpoint",
            f"{name} is neither a folder nor in the local hub cache, and the hub is not reached. On a connected "
            f"machine: hf download {name} ; then copy that cache here and set HF_HOME to it, or give the folder: "
            f"'backbone.sizes={{{size}: {{checkpoint: FOLDER}}}}'. Without a checkpoint: backbone.init=random.",
        )


def _machine(point: PlannedPoint, parts: Parts) -> Iterator[Obstacle]:
    """Too little memory on the CPU, or no GPU. What a GPU that is there holds is for the point's own process to see:
    to ask it here would keep a part of its memory for as long as the sweep runs.
    """
    if point.forecast is None:
        return
    if parts.settings.trainer.accelerator in ("gpu", "cuda") and not visible_gpus():
        where = elsewhere(point.forecast, point.overrides)
        yield Obstacle("GPU", f"trainer.accelerator={parts.settings.trainer.accelerator}, and there is none. {where}")
    elif parts.settings.trainer.accelerator == "cpu":
        expected = Expectation(point.forecast.planned, point.overrides, place(parts), point.forecast)
        if not expected.fits and parts.settings.plan.refuse:
            yield Obstacle("memory", expected.shortage())


def _line(text: str) -> str:
    return " ".join(text.split())
