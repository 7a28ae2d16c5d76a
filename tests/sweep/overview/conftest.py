"""A stand-in of an engine, and sweeps of fabricated run directories."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from hybridret.base.errors import UserError
from hybridret.runs import RunDirectory, State
from hybridret.runs.job_record import Attempt, JobRecord, write_job
from hybridret.runs.status import write_status
from hybridret.sweep.engines.engine import Engine, JobLook, JobState, Task


class StandIn:
    """An engine whose jobs are a dictionary; `asked` counts its calls."""

    name = "stand_in"

    def __init__(self) -> None:
        self.jobs: dict[str, JobLook] = {}
        self.asked: list[list[str]] = []
        self.cancelled: list[list[str]] = []
        self.silent = False

    def submit(self, tasks: Sequence[Task]) -> list[str]:
        raise AssertionError("nothing is submitted here")

    def look(self, jobs: Sequence[str]) -> dict[str, JobLook]:
        if self.silent:
            raise UserError("its client is not there. Install it.")
        self.asked.append(list(jobs))
        return {job: self.jobs.get(job, JobLook(JobState.GONE)) for job in jobs}

    def cancel(self, jobs: Sequence[str]) -> None:
        if self.silent:
            raise UserError("its client is not there. Install it.")
        self.cancelled.append(list(jobs))
        for job in jobs:
            self.jobs[job] = JobLook(JobState.ENDED, "CANCELLED")


@pytest.fixture
def stand_in() -> StandIn:
    return StandIn()


@pytest.fixture
def engines(stand_in: StandIn) -> Callable[[str], Engine]:
    def engine(name: str) -> Engine:
        if name != stand_in.name:
            raise UserError(f"There is no engine called {name!r}.")
        return stand_in

    return engine


@pytest.fixture
def make_run(tmp_path: Path) -> Callable[..., RunDirectory]:
    """`make_run(name, state, job=..., attempts=..., resources=..., **status)`: a run of the sweep `tmp_path/s`."""

    def make(
        name: str,
        state: State | None,
        *,
        job: str | None = None,
        attempts: Sequence[Attempt] = (),
        resources: dict[str, Any] | None = None,
        **more: Any,
    ) -> RunDirectory:
        run = RunDirectory(tmp_path / "s" / name)
        run.path.mkdir(parents=True)
        if state is not None:
            write_status(run.status, state, "h", **more)
        else:
            (run.path / "config.yaml").write_text("seed: 1\n")
        if job is not None:
            record = JobRecord(
                "stand_in", job, "2026-11-30T00:00:00+00:00", ("seed=1",), resources or {}, tuple(attempts)
            )
            write_job(run.path, record)
        return run

    return make
