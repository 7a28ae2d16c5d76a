"""Before anything starts: compose every point, find its run directory, and see what is done already."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress

from hydra.core.config_loader import ConfigLoader
from hydra.errors import HydraException
from omegaconf import DictConfig
from omegaconf.errors import OmegaConfBaseException

from hybridret.base.errors import SizeMissing, UserError
from hybridret.base.machine import check_count
from hybridret.config.explain import explain
from hybridret.config.run_identity import (
    check_size,
    child_arguments,
    gpus_needed,
    point_directory,
    point_hash,
    processes_needed,
)
from hybridret.runs import Decision, State
from hybridret.sweep.point import OPEN, Point

BeforeSweep = Callable[[Sequence[tuple[Sequence[str], DictConfig]]], Sequence[str | None]]


class PointComposer:
    """Makes the points of a sweep. `devices_per_job` None: each point's `trainer.devices`. `here`: they run on this
    machine, which bounds their processes."""

    def __init__(
        self, loader: ConfigLoader, config: DictConfig, devices_per_job: int | None, here: bool = True
    ) -> None:
        self._loader = loader
        self._here = here
        self._config = config
        self._devices_per_job = devices_per_job
        self._planned: dict[str, Point] = {}

    def points(
        self, job_overrides: Sequence[Sequence[str]], first_number: int, check: Callable[[], None]
    ) -> list[Point]:
        """One point per entry of `job_overrides`: queued, finished already, or failed with its reason.

        A point that cannot be composed fails alone. Where none can, the command is wrong: raises UserError with the
        first reason. `check` is called before each point, and may raise.
        """
        points: list[Point] = []
        reasons: list[str] = []
        for number, overrides in enumerate(job_overrides, start=first_number):
            check()
            point = Point(number, tuple(overrides))
            points.append(point)
            try:
                self._compose(point)
            except SizeMissing as error:  # a grid over families asks for sizes that some lack: no failure
                point.end(State.SKIPPED, str(error))
            except (HydraException, OmegaConfBaseException, UserError) as error:
                reasons.append(self._reason(error, point))
                point.end(State.FAILED, reasons[-1])
        if reasons and len(reasons) == len(points) and all(point.run is None for point in points):
            raise UserError(reasons[0])
        return points

    def _reason(self, error: Exception, point: Point) -> str:
        if isinstance(error, UserError):
            return " ".join(str(error).split())
        return explain(error, point.overrides, self._loader, str(self._config.hydra.job.config_name))

    def _compose(self, point: Point) -> None:
        config = self._loader.load_sweep_config(self._config, list(point.overrides))
        check_size(config)
        point.config = config
        point.arguments = tuple(child_arguments(self._loader, self._config, point.overrides))
        run = point_directory(config, point.overrides)
        with suppress(OmegaConfBaseException):  # a value is missing: the point's own process explains it best
            point.config_hash = point_hash(config)
        if (first := self._planned.get(str(run.path))) is not None:
            if first.config_hash != point.config_hash:
                point.run = run
                raise UserError(
                    f"the overrides make the same run name as #{first.number}, but another config; run it in a sweep "
                    f"of its own with sweep=NAME"
                )
            point.run, point.same_as = run, first.number
            return
        point.run = self._planned.setdefault(str(run.path), point).run or run
        point.gpus = gpus_needed(config) if self._devices_per_job is None else self._devices_per_job
        point.processes = processes_needed(config)
        if self._here:
            check_count("trainer.devices", point.processes, "processes")
        if point.config_hash is None:
            return
        if run.decide(point.config_hash) is Decision.FINISHED:
            point.end(State.FINISHED, "finished before")
            run.look()
        else:
            run.write_status(State.QUEUED, point.config_hash)


def leave_out(points: Sequence[Point], before_sweep: BeforeSweep | None) -> None:
    """End the points that cannot run here. `before_sweep` takes the overrides and the config of each point, and returns
    for each None, or a line with the reason and more lines for the log.
    """
    waiting = [point for point in points if point.state in OPEN and point.same_as is None and point.config is not None]
    if before_sweep is None or not waiting:
        return
    asked = [(point.overrides, point.config) for point in waiting if point.config is not None]
    for point, refusal in zip(waiting, before_sweep(asked), strict=True):
        if refusal is None or point.run is None:
            continue
        point.end(State.FAILED, refusal.partition("\n")[0])
        point.run.write_status(State.FAILED, point.config_hash, point.reason)
        with open(point.run.log, "a", encoding="utf-8") as log:
            log.write(f"{refusal}\n")
