"""The file that names the tasks of one submission: a job reads there what it runs, whoever submitted it is not needed.

It is written before the jobs are submitted, and holds numbers and words only, no pickled code.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from hybridret.base.checksums import read_sealed, write_sealed
from hybridret.base.errors import UserError
from hybridret.sweep.engines.engine import Resources, Task

VERSION = 1


@dataclass(frozen=True)
class Persistence:
    """How long a job goes on. retries: failures after which a point is tried again; max_requeues: returns to the queue
    in all, preemptions included."""

    retries: int = 2
    max_requeues: int = 50


@dataclass(frozen=True)
class TaskList:
    """`container`: the words before `python` that start it in a container image, none: as it is."""

    engine: str
    tasks: tuple[Task, ...]
    persistence: Persistence = Persistence()
    container: tuple[str, ...] = ()


def write_tasks(path: Path, tasks: TaskList) -> None:
    """Write the file atomically. Raises UserError when it cannot be written."""
    plain: dict[str, Any] = {
        "version": VERSION,
        "engine": tasks.engine,
        "persistence": asdict(tasks.persistence),
        "container": list(tasks.container),
        "tasks": [_plain(task) for task in tasks.tasks],
    }
    write_sealed(path, plain)


def read_tasks(path: Path) -> TaskList:
    """Raises UserError where the file is missing, damaged, or of another kind."""
    found = read_sealed(path, "the tasks of a sweep", "submit the sweep again")
    try:
        tasks = tuple(_task(one) for one in found["tasks"])
        return TaskList(
            str(found["engine"]), tasks, Persistence(**found["persistence"]), tuple(map(str, found["container"]))
        )
    except (KeyError, TypeError, ValueError) as error:
        raise UserError(f"{path}: not the tasks of a sweep ({error}). Submit the sweep again.") from error


def equal_resources(tasks: Sequence[Task]) -> list[list[int]]:
    """The numbers of the tasks with equal resources, groups and numbers in the order of `tasks`."""
    groups: dict[Resources, list[int]] = {}
    for number, task in enumerate(tasks):
        groups.setdefault(task.resources, []).append(number)
    return list(groups.values())


def _plain(task: Task) -> dict[str, Any]:
    return {**asdict(task), "run": str(task.run.absolute()), "environment": dict(task.environment)}


def _task(plain: dict[str, Any]) -> Task:
    resources = Resources(**plain["resources"])
    environment = {str(name): str(value) for name, value in plain["environment"].items()}
    arguments = tuple(map(str, plain["arguments"]))
    return Task(Path(plain["run"]), str(plain["module"]), arguments, resources, environment)
