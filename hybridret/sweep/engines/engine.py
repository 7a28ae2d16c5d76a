"""What a launcher asks of a cluster: take these tasks, what do these jobs do, end these jobs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Protocol


@dataclass(frozen=True)
class Resources:
    """What a task needs, and gets for all its processes. None: the engine's own default.

    tasks: processes on each node, one for each GPU where there are GPUs; gpus, cores, memory: of one node; cores: for
    all processes of the node; memory in GiB; minutes: the time limit. expected_hours: that the plan expects, without
    the margin of `minutes`; not asked of the engine, so tasks that differ in it alone have equal resources.
    """

    nodes: int = 1
    tasks: int = 1
    gpus: int = 0
    cores: int = 1
    memory: float | None = None
    minutes: int | None = None
    expected_hours: float | None = field(default=None, compare=False)


@dataclass(frozen=True)
class Task:
    """A point to run: `python -m MODULE ARGUMENTS` in the directory of its run, whose `job.json` names its job."""

    run: Path
    module: str
    arguments: tuple[str, ...]
    resources: Resources
    environment: Mapping[str, str]


class JobState(StrEnum):
    """PENDING also holds a job that was put back into the queue. GONE: the engine knows it no more, or never did."""

    PENDING = "pending"
    RUNNING = "running"
    ENDED = "ended"
    GONE = "gone"


@dataclass(frozen=True)
class JobLook:
    """What an engine says of a job. `reason`: in its own words, such as `TIMEOUT`, `Priority` or `OOMKilled`, "" if it
    gives none; `node`: where it runs or ran; `seconds`: that it has run in all, None where that is not known."""

    state: JobState
    reason: str = ""
    node: str = ""
    seconds: float | None = None


class Engine(Protocol):
    """A cluster's queue. Calls raise UserError where its client is missing or does not answer: what is known of a job
    then stays as it was."""

    @property
    def name(self) -> str:
        """slurm, ray or kubernetes."""

    def submit(self, tasks: Sequence[Task]) -> list[str]:
        """Queue all tasks; the names of their jobs, in the order of `tasks`."""

    def look(self, jobs: Sequence[str]) -> dict[str, JobLook]:
        """The state of every one of `jobs`, asked in one call whatever their number."""

    def cancel(self, jobs: Sequence[str]) -> None:
        """End jobs that wait or run, so that they do not come back; others are left alone."""
