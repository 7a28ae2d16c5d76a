"""What a run is doing, from its status file, its job record and what the engine says of the job. A pure function.

`result.json` has decided before: `status` is what `runs.look` returned. An engine knows better where a process cannot
write any more (killed, its node lost) or not yet (queued); the files know better how a process ended that wrote why.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from hybridret.reporting.points import DAMAGED
from hybridret.runs.job_record import JobRecord
from hybridret.runs.look import LOST
from hybridret.runs.status import State
from hybridret.sweep.engines.engine import JobLook, JobState
from hybridret.sweep.overview.fields import moment

NOT_STARTED = "no status.json was written"
STARTING = "its job runs, and has written nothing yet"
#: In the words of SLURM, Ray and Kubernetes: the end of a job that another start cannot be expected to mend.
FAILURES = (
    "FAILED", "OUT_OF_MEMORY", "OOMKILLED", "BOOT_FAIL", "DEADLINE", "ERROR", "BACKOFFLIMITEXCEEDED",
    "PODFAILUREPOLICY",
)  # fmt: skip
COMPLETED = ("COMPLETED", "SUCCEEDED", "COMPLETE")


@dataclass(frozen=True)
class Truth:
    """state: of `runs.State`, or `reporting.points.DAMAGED`. by_engine: the engine says how it ended,
    and the files do not. (An engine that does not know a job may be another cluster's: that is no knowledge.)"""

    state: str
    reason: str
    by_engine: bool = False


def reconcile(status: Mapping[str, Any] | None, job: JobRecord | None, look: JobLook | None) -> Truth:
    """The state of a run and its reason.

    status: as `runs.look` returns it, {} where there is none, None where it is damaged; job: None where no job was
    submitted; look: None where the engine was not asked or did not answer.
    """
    if status is None:
        return Truth(DAMAGED, "")
    written = str(status.get("state") or State.QUEUED)
    reason = str(status.get("reason") or ("" if status else NOT_STARTED))
    as_written = Truth(written, reason)
    if job is None or look is None or written in (State.FINISHED, State.SKIPPED):
        return as_written
    if written == State.RUNNING and not of_job(status, job):
        return as_written  # another process works on it, and holds its lock
    if look.state is JobState.PENDING:
        return Truth(State.QUEUED, look.reason)
    if look.state is JobState.RUNNING:
        return Truth(State.RUNNING, "" if written == State.RUNNING else STARTING)
    older = written != State.RUNNING and _before(status.get("heartbeat"), job.submitted)
    if written in (State.FAILED, State.INTERRUPTED) and reason not in ("", LOST) and not older:
        return as_written  # its process said why it ended
    return _ended(look, job)


def of_job(status: Mapping[str, Any], job: JobRecord) -> bool:
    """Whether the process that wrote `status` belongs to the job: by the job that it names, else by its machine."""
    if named := status.get("job"):
        return bool(named == job.job)
    return bool(job.attempts) and job.attempts[-1].host == status.get("host")


def _ended(look: JobLook, job: JobRecord) -> Truth:
    if look.state is JobState.GONE:
        return Truth(State.INTERRUPTED, f"{job.engine} knows its job {job.job} no more")
    word = look.reason.partition(" ")[0].rstrip(",:;.").upper()
    if word in COMPLETED:
        return Truth(State.FAILED, "its job ended well but wrote no result.json", True)
    return Truth(
        State.FAILED if word in FAILURES else State.INTERRUPTED, f"{job.engine}: {look.reason or 'ended'}", True
    )


def _before(heartbeat: object, submitted: str) -> bool:
    """Whether a status is of a time before the job; False where one of both is no time."""
    first, last = moment(heartbeat), moment(submitted)
    return first is not None and last is not None and first < last
