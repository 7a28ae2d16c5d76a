"""Hydra's launcher for a cluster's queue: every open point of a sweep becomes a job, and the command returns.

What is needed later stands in files: which job computes a run in its `job.json`, the points in `sweep.json`, what a job
runs in a file of tasks. So the shell that submitted may die, and the same command submits only what neither is finished
nor waits or runs. Hydra imports this at every start, so nothing heavy is imported here.
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import asdict
from functools import partial
from typing import TYPE_CHECKING, Any

from hydra.core.utils import JobReturn, JobStatus, setup_globals
from hydra.plugins.launcher import Launcher
from hydra.types import HydraContext, TaskFunction
from omegaconf import DictConfig

from hybridret.base.errors import DONE, UserError
from hybridret.base.interruption import Stop
from hybridret.distributed.world import process_info
from hybridret.sweep.engines.engine import Engine, JobState, Resources, Task
from hybridret.sweep.point import OPEN, Point, sweep_exit_code

if TYPE_CHECKING:
    from hybridret.sweep.sweep_record import Summary

Asked = dict[str, int | float | None]


class QueueLauncher(Launcher):
    """Submits the points of a sweep to an engine.

    - `engine`: the queue.
    - `asked`: the resources that the user named (`gpus`, `cores`, `memory`, `minutes`), None for those that follow from
      the point; `limits`: the most that a job may have of each, and of `nodes`.
    - `wait`: follow the points until the last has ended, looking every `every` seconds.
    - `module`: what a point runs, `python -m MODULE OVERRIDES`. Its functions `before_sweep` and `resources`, where it
      has them, say which points cannot run and what the others need.
    """

    def __init__(
        self, engine: Engine, asked: Asked, limits: Asked, wait: bool, every: float, module: str = "hybridret.run"
    ) -> None:
        super().__init__()
        if not every > 0:
            raise UserError(f"hydra.launcher.every={every}: give the seconds between two looks at the jobs.")
        self._engine, self._asked, self._limits = engine, asked, limits
        self._wait, self._every, self._module = wait, every, module
        self._points: list[Point] = []  # of all batches of this sweep
        self._summary: Summary | None = None

    def setup(self, *, hydra_context: HydraContext, task_function: TaskFunction, config: DictConfig) -> None:
        self._context = hydra_context
        self._config = config

    def launch(self, job_overrides: Sequence[Sequence[str]], initial_job_idx: int) -> Sequence[JobReturn]:
        """Submit a batch of points and, with `wait`, follow it. A point that was submitted counts as done.

        Raises UserError when no point can be composed or the engine refuses, SystemExit (130, 75) after a signal.
        """
        from hybridret.base.graceful_stop import graceful_stop
        from hybridret.sweep.point_composer import PointComposer, leave_out

        if process_info().world > 1:
            raise UserError("A sweep (-m) was started several times at once, by torchrun or srun. Start it once.")
        setup_globals()
        module = importlib.import_module(self._module)
        composer = PointComposer(self._context.config_loader, self._config, None, here=False)
        with graceful_stop() as stop:
            points = composer.points(job_overrides, initial_job_idx, stop.check)
            if (before_sweep := getattr(module, "before_sweep", None)) is not None:
                leave_out(points, partial(before_sweep, here=False))
            asked = self._resources(points, getattr(module, "resources", None))
            stop.check()
            return self._submit(points, asked, stop)

    def _resources(self, points: Sequence[Point], needed: Callable[..., Any] | None) -> dict[int, Resources]:
        """What each open point asks for, by its number. A point that fits nowhere is failed with the reason."""
        from hybridret.sweep.point_composer import leave_out

        found: dict[int, Resources] = {}

        def fitting(asked: Sequence[tuple[Sequence[str], DictConfig]]) -> list[str | None]:
            answers = needed(asked, self._asked, self._limits) if needed is not None else [Resources() for _ in asked]
            for point, answer in zip(open_points(points), answers, strict=True):
                if isinstance(answer, Resources):
                    found[point.number] = answer
            return [answer if isinstance(answer, str) else None for answer in answers]

        leave_out(points, fitting)
        return found

    def _submit(self, points: list[Point], asked: dict[int, Resources], stop: Stop) -> Sequence[JobReturn]:
        from hybridret.base.progress import Quiet
        from hybridret.config.run_identity import sweep_directory
        from hybridret.runs.lock import enter_when_free, exclusive
        from hybridret.sweep.queue.follow import follow, write_pages
        from hybridret.sweep.queue.job_table import print_jobs
        from hybridret.sweep.sweep_record import Summary

        self._points += points
        summary = self._summary = self._summary or Summary(self._config, self._points)
        with ExitStack() as alone:  # the same command given twice submits each point once
            lock = partial(exclusive, sweep_directory(self._config) / ".submit.lock", stop.check)
            enter_when_free(alone, lock, Quiet(), "waits for another command that submits this sweep")
            find_jobs(points, self._engine)
            waiting = [point for point in open_points(points) if point.job is None]
            submit(waiting, self._engine, self._module, asked, summary.command)
        for point in points:
            if point.same_as is not None:
                first = next(other for other in self._points if other.number == point.same_as)
                point.job = first.job
                point.end(first.state, first.reason)
        summary.write()
        print_jobs(points, asked, sys.stdout)
        write_pages(points, self._engine)
        if self._wait:
            follow(points, self._engine, self._every, stop, summary)
        return [job_return(point, self._wait) for point in points]


def open_points(points: Sequence[Point]) -> list[Point]:
    """The points that are to run and can be composed, without repetitions."""
    return [point for point in points if point.state in OPEN and point.same_as is None and point.config is not None]


def find_jobs(points: Sequence[Point], engine: Engine) -> None:
    """Name the job of each open point that waits or runs in the queue already. Raises UserError where the engine does
    not answer: nothing is then submitted, since a second job could be meant for a point that has one."""
    from hybridret.runs import State
    from hybridret.runs.job_record import read_job

    records = {point.number: read_job(point.run.path) for point in open_points(points) if point.run is not None}
    jobs = {n: record.job for n, record in records.items() if record and record.job and record.engine == engine.name}
    looks = engine.look(sorted(set(jobs.values()))) if jobs else {}
    for point in open_points(points):
        look = looks.get(jobs.get(point.number, ""))
        if look is not None and look.state in (JobState.PENDING, JobState.RUNNING):
            point.job = jobs[point.number]
            point.state = State.RUNNING if look.state is JobState.RUNNING else State.QUEUED
            point.reason = "submitted before"
        elif point.run is not None and (owner := point.run.in_use()) is not None:
            point.end(State.RUNNING, owner)


def submit(points: Sequence[Point], engine: Engine, module: str, asked: dict[int, Resources], typed: str) -> None:
    """Submit the points that are still queued, and write who computes them. Raises UserError."""
    from hybridret.runs import State
    from hybridret.runs.job_record import JobRecord, read_job, write_job
    from hybridret.sweep.queue.job import now

    chosen = [point for point in points if point.state is State.QUEUED and point.run is not None]
    tasks = [
        Task(point.run.path, module, point.arguments, asked[point.number], {"HYBRIDRET_COMMAND": typed})
        for point in chosen
        if point.run is not None
    ]
    if not tasks:
        return
    jobs = engine.submit(tasks)
    for point, task, job in zip(chosen, tasks, jobs, strict=True):
        point.job = job
        found = read_job(task.run)
        if found is None or found.job != job:  # else the job itself was faster
            kept = (found.attempts, found.earlier) if found is not None else ()
            write_job(task.run, JobRecord(engine.name, job, now(), task.arguments, asdict(task.resources), *kept))


def job_return(point: Point, ended: bool) -> JobReturn:
    """For Hydra's sweepers: the record of the point; SystemExit with its exit code where it failed or, once all have
    ended, is unfinished."""
    code = DONE if not ended and point.state in OPEN else sweep_exit_code([point])
    value: Any = SystemExit(code) if code else point.record()
    status = JobStatus.FAILED if code else JobStatus.COMPLETED
    return JobReturn(overrides=list(point.overrides), status=status, _return_value=value)
