"""What `squeue` and `sacct` print, as looks at jobs."""

from __future__ import annotations

import re
from collections.abc import Iterable

from hybridret.sweep.engines.engine import JobLook, JobState

QUEUE = "%F|%K|%i|%T|%r|%N|%M"  # array, task in it, id, state, reason, nodes, time of this attempt
ACCOUNTS = "JobID,State,NodeList,ElapsedRaw"
LEFT = "cancelled before it began, or forgotten"  # of a task whose array is still known
_WAITING = {"PENDING", "REQUEUED", "REQUEUE_FED", "REQUEUE_HOLD", "RESV_DEL_HOLD", "SPECIAL_EXIT"}
_ENDED = {
    "BOOT_FAIL", "CANCELLED", "COMPLETED", "DEADLINE", "FAILED", "NODE_FAIL", "OUT_OF_MEMORY", "PREEMPTED", "REVOKED",
    "TIMEOUT",
}  # fmt: skip
_NOTHING = ("", "None", "(null)", "N/A", "None assigned")


def read_queue(text: str) -> dict[str, JobLook]:
    """The jobs in the output of `squeue --noheader --array --format=QUEUE`. Ended jobs stand there for some minutes."""
    found = {}
    for line in text.splitlines():
        fields = line.strip().split("|")
        if len(fields) != 7:
            continue  # a warning of SLURM between the lines
        array, task, job, state, reason, node, time = fields
        found[f"{array}_{task}" if task not in _NOTHING else job] = _look(state, reason, node, elapsed(time))
    return found


def read_accounts(text: str) -> dict[str, JobLook]:
    """The jobs in the output of `sacct --allocations --noheader --parsable2 --duplicates --format=ACCOUNTS`.

    A job that was requeued has a line for each time that it ran: the last one is its state, `seconds` are of all.
    """
    found: dict[str, JobLook] = {}
    for line in text.splitlines():
        fields = line.strip().split("|")
        if len(fields) != 4:
            continue
        job, state, node, seconds = fields
        earlier = found[job].seconds if job in found else None
        own = float(seconds) if seconds.isdecimal() else None
        known = [one for one in (earlier, own) if one is not None]
        found[job] = _look(state, "", node, sum(known) if known else None)
    return found


def together(jobs: Iterable[str], queue: dict[str, JobLook], accounts: dict[str, JobLook]) -> dict[str, JobLook]:
    """A look at every job: the queue knows states best, the accounts know what a job ran in all and what ended long
    ago. A task that was cancelled before it began is in neither: SLURM takes it out of the list of its array."""
    arrays = {job.partition("_")[0] for job in queue}
    looks = {}
    for job in jobs:
        now, past = queue.get(job), accounts.get(job)
        if now is None:
            known = job.partition("_")[0] in arrays
            looks[job] = past or (JobLook(JobState.ENDED, LEFT) if known else JobLook(JobState.GONE))
        elif past is None:
            looks[job] = now
        else:
            seconds = max((one.seconds for one in (now, past) if one.seconds is not None), default=None)
            looks[job] = JobLook(now.state, now.reason, now.node or past.node, seconds)
    return looks


def elapsed(text: str) -> float | None:
    """Seconds in SLURM's `[days-][hours:]minutes:seconds`; None for what is no time."""
    match = re.fullmatch(r"(?:(\d+)-)?(?:(\d+):)?(\d+):(\d+)", text.strip())
    if match is None:
        return None
    days, hours, minutes, seconds = (int(part or 0) for part in match.groups())
    return float(((days * 24 + hours) * 60 + minutes) * 60 + seconds)


def _look(state: str, reason: str, node: str, seconds: float | None) -> JobLook:
    """`CANCELLED by 0` is CANCELLED. An ended job has its state as its reason, a waiting one what it waits for."""
    word = state.split()[0].rstrip("+") if state.strip() else ""
    node = "" if node in _NOTHING else node
    if word in _ENDED:
        return JobLook(JobState.ENDED, word, node, seconds)
    if word in _WAITING:
        return JobLook(JobState.PENDING, "" if reason in _NOTHING else reason, node, seconds)
    return JobLook(JobState.RUNNING, "", node, seconds)  # also COMPLETING, CONFIGURING, SUSPENDED
