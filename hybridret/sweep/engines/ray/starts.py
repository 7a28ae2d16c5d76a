"""A job of ours and its starts: Ray ends a job whose node is lost for good, so each start is a job of Ray's.

The first one is called as our job, the second `JOB.2`, and so on. Names hold the address of the cluster behind an `@`:
whoever reads a `job.json` knows which cluster to ask.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from hybridret.sweep.engines.engine import JobLook, JobState

TASKS = "hybridret_tasks"  # keys of a job's metadata: its file of tasks
KEEPER = "hybridret_keeper"  # and the job that starts it again
TOO_LATE = "JOB_SUPERVISOR_ACTOR_START_TIMEOUT"
#: What happened to the cluster and not to the point. Names of Ray's `JobErrorType`.
LOST = (TOO_LATE, "JOB_SUPERVISOR_ACTOR_DIED", "JOB_SUPERVISOR_ACTOR_UNKNOWN_FAILURE")
FINAL = (0, 1, 2)  # exit codes after which a job has decided itself that it does not come back
WAITS = "waits for resources"


@dataclass(frozen=True)
class Start:
    """One job of Ray's. status: PENDING, RUNNING, SUCCEEDED, FAILED or STOPPED; error: of Ray's `JobErrorType`."""

    status: str
    error: str = ""
    code: int | None = None
    message: str = ""
    node: str = ""
    metadata: Mapping[str, str] | None = None

    @property
    def over(self) -> bool:
        return self.status not in ("PENDING", "RUNNING")

    @property
    def lost(self) -> bool:
        """Whether it ended by no decision of anybody: its node died, it was killed, or it waited too long."""
        if self.status != "FAILED":
            return False
        return self.error in LOST or (self.code is not None and self.code not in FINAL)


def full_name(base: str, address: str) -> str:
    """`BASE@HOST:PORT`; https is kept."""
    return f"{base}@{address.removeprefix('http://').rstrip('/')}"


def parts(job: str) -> tuple[str, str]:
    """The name within the cluster and its address, "" where there is none."""
    base, _, address = job.partition("@")
    return base, address if "://" in address or not address else f"http://{address}"


def start_name(base: str, number: int) -> str:
    """The name of a start, from 1 on."""
    return base if number == 1 else f"{base}.{number}"


def read_starts(found: Iterable[Any], bases: Iterable[str]) -> dict[str, list[Start]]:
    """The starts of each of `bases` in their order; none where the cluster knows the job no more."""
    known = {str(one.submission_id): _start(one) for one in found if one.submission_id}
    starts: dict[str, list[Start]] = {}
    for base in bases:
        starts[base] = []
        while (one := known.get(start_name(base, len(starts[base]) + 1))) is not None:
            starts[base].append(one)
    return starts


def to_start_again(starts: Sequence[Start], max_requeues: int) -> bool:
    """Whether the keeper starts a job once more. A start that Ray gave up while it waited was none, and is not
    counted: with its own settings Ray lets a job wait for 15 minutes."""
    if not starts or not starts[-1].lost:
        return False
    counted = sum(one.error != TOO_LATE for one in starts)
    return counted <= max_requeues


def look_of(starts: Sequence[Start], cancelled: bool, kept: bool) -> JobLook:
    """What is to be said of a job. cancelled: somebody asked for its end; kept: its keeper runs."""
    if not starts:
        return JobLook(JobState.GONE)
    last = starts[-1]
    if last.status == "RUNNING":
        return JobLook(JobState.RUNNING, "", last.node)
    if cancelled:  # Ray ends a job that waits only once it has begun
        return JobLook(JobState.ENDED, "STOPPED", last.node)
    if last.status == "PENDING":
        return JobLook(JobState.PENDING, WAITS)
    if last.lost and kept:
        return JobLook(JobState.PENDING, f"is started again: {_words(last)}", last.node)
    return JobLook(JobState.ENDED, _words(last), last.node)


def _words(start: Start) -> str:
    """The first word says whether another start can mend it (`sweep/overview/reconcile.py`)."""
    if start.status != "FAILED":
        return start.status
    if start.error == TOO_LATE:
        return "EXPIRED: it waited longer for resources than the cluster's RAY_JOB_START_TIMEOUT_SECONDS"
    if start.error in LOST:
        return f"LOST: {_short(start.message) or 'its node or its supervisor died'}"
    if start.code is not None:
        return f"{'FAILED' if start.code in FINAL else 'KILLED'}: exit code {start.code}"
    return f"FAILED: {_short(start.message) or start.error}"


def _short(message: str) -> str:
    return " ".join(message.split())[:200]


def _start(found: Any) -> Start:
    agent = urlsplit(found.driver_agent_http_address or "").hostname or ""
    return Start(
        str(getattr(found.status, "value", found.status)),
        str(getattr(found.error_type, "value", found.error_type) or ""),
        found.driver_exit_code,
        str(found.message or ""),
        agent,
        found.metadata or {},
    )
