"""What a launcher notes of jobs: how their points ended, as `status` sees it too, and what earlier ones used."""

from __future__ import annotations

import socket
from collections.abc import Callable
from pathlib import Path

import pytest
from stand_in_app import App

from hybridret.base.errors import POINT_FAILED, REQUEUE
from hybridret.runs import RunDirectory, State
from hybridret.runs.job_record import Attempt, JobRecord, read_job, write_job
from hybridret.runs.status import write_status
from hybridret.sweep.engines.engine import Engine, JobLook, JobState, Resources, Task
from hybridret.sweep.overview.survey import survey
from hybridret.sweep.point import Point, sweep_exit_code
from hybridret.sweep.queue.follow import end
from hybridret.sweep.queue.job import own_record
from hybridret.sweep.queue.launcher import submit

FIRST = Attempt("1", socket.gethostname(), "2026-11-30T08:00:00+00:00", 0, "2026-11-30T09:30:00+00:00", 5, 1)


class Queue:
    """An engine that names each job "2"."""

    name = "stand_in"

    def submit(self, tasks: list[Task]) -> list[str]:
        return ["2"] * len(tasks)

    def look(self, jobs: list[str]) -> dict[str, JobLook]:
        return dict.fromkeys(jobs, JobLook(JobState.PENDING))

    def cancel(self, jobs: list[str]) -> None:
        raise AssertionError


def run_in(folder: Path, state: State, *attempts: Attempt, job: str = "1") -> RunDirectory:
    run = RunDirectory(folder / "s" / "a")
    run.path.mkdir(parents=True)
    write_status(run.status, state, "h")
    resources = {"gpus": 2, "nodes": 1}
    write_job(run.path, JobRecord("stand_in", job, "2026-11-30T07:00:00+00:00", (), resources, attempts))
    return run


@pytest.mark.parametrize(
    ("look", "state", "code"),
    [
        (JobLook(JobState.ENDED, "OUT_OF_MEMORY"), State.FAILED, POINT_FAILED),
        (JobLook(JobState.ENDED, "FAILED"), State.FAILED, POINT_FAILED),
        (JobLook(JobState.ENDED, "CANCELLED"), State.INTERRUPTED, REQUEUE),
        (JobLook(JobState.GONE), State.INTERRUPTED, REQUEUE),
    ],
)
@pytest.mark.parametrize("written", [State.RUNNING, State.QUEUED])
def test_an_end_that_no_process_could_write_is_the_same_for_who_follows_and_for_status(
    tmp_path: Path, look: JobLook, state: State, code: int, written: State
) -> None:
    run = run_in(tmp_path, written)
    point = Point(0, (), run=run, job="1")
    end(point, look)
    assert (point.state, sweep_exit_code([point])) == (state, code)
    (row,) = survey(tmp_path / "s", lambda name: Looks(look)).rows
    assert (row.state, row.reason) == (state, point.reason)


class Looks(Queue):
    """An engine that says this of every job."""

    def __init__(self, answer: JobLook) -> None:
        self._answer = answer

    def look(self, jobs: list[str]) -> dict[str, JobLook]:
        return dict.fromkeys(jobs, self._answer)


@pytest.mark.parametrize("how", ["submitted", "begun"])
def test_hours_before_a_retry_are_kept_when_the_next_job_comes(tmp_path: Path, how: str) -> None:
    run = run_in(tmp_path, State.QUEUED, FIRST)
    engines: Callable[[str], Engine] = lambda name: Queue()  # noqa: E731
    assert survey(tmp_path / "s", engines).rows[0].hours == 3.0
    record = read_job(run.path)
    assert record is not None
    write_job(run.path, record.set_aside())
    assert survey(tmp_path / "s", engines).rows[0].hours == 3.0
    needs = Resources(gpus=2)
    if how == "submitted":
        submit([Point(0, ("seed=1",), run=run)], Queue(), "m", {0: needs}, "typed")
    else:
        write_job(run.path, own_record(Task(run.path, "m", (), needs, {}), "stand_in", "2"))
    assert survey(tmp_path / "s", engines).rows[0].hours == 3.0
    job = read_job(run.path)
    assert job is not None
    assert (job.job, job.attempts, job.earlier) == ("2", (), (FIRST,))


@pytest.mark.slow
def test_seconds_of_a_point_are_those_of_all_commands(app: App) -> None:
    def seconds() -> dict[str, float]:
        return {row.run: row.seconds or 0.0 for row in survey(app.folder / "out" / "s").rows}

    assert app.run("-m", "word=a,b", "sweep=s").returncode == 0
    first = seconds()
    assert all(first.values())
    assert app.run("-m", "word=b,c", "sweep=s").returncode == 0  # b is finished
    assert first.items() <= seconds().items()
    (app.folder / "out" / "s" / next(run for run in first if "word-b" in run) / "result.json").unlink()
    assert app.run("-m", "word=b", "sweep=s").returncode == 0
    again = seconds()
    assert {run for run, spent in first.items() if again[run] > spent} == {run for run in first if "word-b" in run}
