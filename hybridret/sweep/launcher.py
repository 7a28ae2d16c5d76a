"""Hydra's launcher for this machine: each point of a sweep is a process of its own.

A point that raises, runs out of memory or is killed by a signal ends alone; it would end Hydra's own launchers. Hydra
imports this at every start, `--help` included, so nothing heavy is imported here. That for a cluster's queue is
`queue/launcher.py`.
"""

from __future__ import annotations

import importlib
import signal
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from hydra.core.utils import JobReturn, JobStatus, setup_globals
from hydra.plugins.launcher import Launcher
from hydra.types import HydraContext, TaskFunction
from omegaconf import DictConfig

from hybridret.base.errors import UserError
from hybridret.base.interruption import Stop
from hybridret.base.machine import check_count
from hybridret.distributed.world import process_info
from hybridret.sweep.point import OPEN, Point, stopped_exit_code, sweep_exit_code

if TYPE_CHECKING:
    from hybridret.sweep.sweep_record import Summary


class ProcessLauncher(Launcher):
    """Runs the points of a sweep as processes on this machine.

    - `n_jobs`: how many at once.
    - `threads`: CPU threads of each (OMP_NUM_THREADS and its like); null: the cores divided by `n_jobs`.
    - `devices_per_job`: GPUs of each, taken from the visible ones; null: the point's `trainer.devices`.
    - `grace`: seconds that points have to save their state after Ctrl-C before they are killed.
    - `module`: what a point runs, `python -m MODULE OVERRIDES`. Its function `before_sweep`, where it has one,
      is called before any point starts, and returns which points cannot run here.
    """

    def __init__(
        self,
        n_jobs: int = 1,
        threads: int | None = None,
        devices_per_job: int | None = None,
        grace: float = 120.0,
        module: str = "hybridret.run",
    ) -> None:
        super().__init__()
        if n_jobs < 1:
            raise UserError(f"hydra.launcher.n_jobs={n_jobs}: at least one point must run at a time.")
        if threads is not None and threads < 1:
            raise UserError(f"hydra.launcher.threads={threads}: give each point at least one thread, or null.")
        check_count("hydra.launcher.n_jobs", n_jobs, "points")
        check_count("hydra.launcher.threads", threads or 0, "threads")
        if devices_per_job is not None and devices_per_job < 0:
            raise UserError(f"hydra.launcher.devices_per_job={devices_per_job}: give 0 or more, or null.")
        if not grace >= 0:
            raise UserError(f"hydra.launcher.grace={grace}: give the seconds that points have to save their state.")
        self._n_jobs = n_jobs
        self._threads = threads
        self._devices_per_job = devices_per_job
        self._grace = grace
        self._module = module
        self._points: list[Point] = []  # of all batches of this sweep
        self._summary: Summary | None = None

    def setup(self, *, hydra_context: HydraContext, task_function: TaskFunction, config: DictConfig) -> None:
        self._context = hydra_context
        self._config = config

    def launch(self, job_overrides: Sequence[Sequence[str]], initial_job_idx: int) -> Sequence[JobReturn]:
        """Run a batch of points. The return value of a job is the outcome of its point, also after a failure.

        Raises UserError when no point at all can be composed, and SystemExit (130, 75) after a signal.
        """
        from hybridret.base.graceful_stop import graceful_stop
        from hybridret.sweep.point_composer import PointComposer, leave_out

        if (here := process_info()).world > 1:
            raise UserError(
                f"A sweep (-m) was started {here.world} times at once, by torchrun or srun. Start it once, without "
                f"them: it starts the processes of each point itself. For one point of several nodes leave out -m."
            )
        setup_globals()
        composer = PointComposer(self._context.config_loader, self._config, self._devices_per_job)
        with graceful_stop() as stop:
            points = composer.points(job_overrides, initial_job_idx, stop.check)
            leave_out(points, getattr(importlib.import_module(self._module), "before_sweep", None))
            stop.check()
            return self._run(points, stop)

    def _run(self, points: list[Point], stop: Stop) -> Sequence[JobReturn]:
        from hybridret.base.graceful_stop import exit_code
        from hybridret.base.machine import visible_gpus
        from hybridret.sweep.display import Display, print_summary
        from hybridret.sweep.exit_status import look_again
        from hybridret.sweep.point_runner import PointRunner
        from hybridret.sweep.sweep_record import Summary

        self._points += points
        summary = self._summary = self._summary or Summary(self._config, self._points)
        display = Display(len(points), sys.stderr)
        runner = PointRunner(self._n_jobs, self._module, self._threads, visible_gpus(), self._grace)
        with display:
            for point in points:
                if point.same_as is None:
                    display.ended(point)
            waiting = [point for point in points if point.state in OPEN and point.same_as is None]
            stopped = runner.run(waiting, display, summary.write_if_possible, stop)
            for point in points:
                if point.same_as is not None:
                    _copy_outcome(point, self._points)
                    display.ended(point)
        look_again(points)
        print_summary(points, sys.stdout)
        summary.write()
        if stopped is not None:
            display.show_line(f"Stopped. To go on, run the same command again: {summary.command}")
            raise SystemExit(stopped_exit_code(points, exit_code(signal.Signals(stopped))))
        return [_job_return(point) for point in points]


def _copy_outcome(point: Point, points: Sequence[Point]) -> None:
    first = next(other for other in points if other.number == point.same_as)
    point.end(first.state, first.reason)


def _job_return(point: Point) -> JobReturn:
    """For Hydra's sweepers: `return_value` gives the record of the point, or raises SystemExit with its exit code."""
    code = sweep_exit_code([point])
    value: Any = SystemExit(code) if code else point.record()
    status = JobStatus.FAILED if code else JobStatus.COMPLETED
    return JobReturn(overrides=list(point.overrides), status=status, _return_value=value)
