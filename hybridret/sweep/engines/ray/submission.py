"""The requests of one submission, kept in a file with which the keeper starts again what the cluster lost."""

from __future__ import annotations

import os
import shlex
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hybridret.base.checksums import read_sealed, write_sealed
from hybridret.base.errors import UserError
from hybridret.runs.job_record import JOB
from hybridret.sweep.engines.engine import Resources
from hybridret.sweep.engines.ray.options import RayOptions
from hybridret.sweep.engines.ray.starts import KEEPER, TASKS, full_name

VERSION = 1
GIB = 1 << 30
Request = dict[str, Any]


@dataclass(frozen=True)
class Submission:
    """requests: the arguments of `JobSubmissionClient.submit_job` for the first start of each job."""

    requests: tuple[Request, ...]
    max_requeues: int
    every: float


def write_submission(path: Path, submission: Submission) -> None:
    """Write the file atomically. Raises UserError when it cannot be written."""
    plain = {"version": VERSION, "max_requeues": submission.max_requeues, "every": submission.every}
    write_sealed(path, {**plain, "requests": list(submission.requests)})


def read_submission(path: Path) -> Submission:
    """Raises UserError where the file is missing, damaged, or of another kind."""
    found = read_sealed(path, "the jobs of a sweep on Ray", "submit the sweep again")
    try:
        return Submission(tuple(found["requests"]), int(found["max_requeues"]), float(found["every"]))
    except (KeyError, TypeError, ValueError) as error:
        raise UserError(f"{path}: not the jobs of a sweep on Ray ({error}). Submit the sweep again.") from error


def requests(
    tasks: Path, asked: Sequence[Resources], bases: Sequence[str], keeper: str, address: str, options: RayOptions
) -> list[Request]:
    """One for each task of the file `tasks`, called as `bases` say."""
    return [
        {
            "submission_id": base,
            "entrypoint": command(options, "hybridret.sweep.queue.job", str(tasks), str(number)),
            "runtime_env": {"env_vars": {**environment(options), JOB: full_name(base, address)}},
            "metadata": {TASKS: str(tasks), KEEPER: keeper},
            **wanted(resources, options.custom),
        }
        for number, (resources, base) in enumerate(zip(asked, bases, strict=True))
    ]


def keeper_request(submission: Path, keeper: str, options: RayOptions) -> Request:
    """The job that starts others again: it asks for no resources, so Ray starts it on the head node, at once."""
    return {
        "submission_id": keeper,
        "entrypoint": command(options, "hybridret.sweep.engines.ray.keeper", str(submission)),
        "runtime_env": {"env_vars": environment(options)},
        "metadata": {},
    }


def wanted(resources: Resources, custom: Mapping[str, float]) -> Request:
    """What Ray takes off a node for a job. Its memory is in bytes."""
    found: Request = {"entrypoint_num_cpus": resources.cores}
    if resources.gpus:
        found["entrypoint_num_gpus"] = resources.gpus
    if resources.memory is not None:
        found["entrypoint_memory"] = round(resources.memory * GIB)
    if custom:
        found["entrypoint_resources"] = {name: float(amount) for name, amount in custom.items()}
    return found


def command(options: RayOptions, *words: str) -> str:
    """A line of shell that becomes `python -m WORDS` where this command was given: relative paths mean the same."""
    python = options.python or sys.executable
    return f"cd {shlex.quote(os.getcwd())} && exec {shlex.join([python, '-m', *words])}"


def environment(options: RayOptions) -> dict[str, str]:
    """Ray kills a job three seconds after it was stopped; the supervisor of a job reads its own environment."""
    return {"RAY_JOB_STOP_WAIT_TIME_S": str(options.grace), **{key: str(value) for key, value in options.env.items()}}
