"""Every status, with every word of an engine, for a job of its own, of somebody else, and none."""

from __future__ import annotations

from itertools import product
from typing import Any

import pytest

from hybridret.runs import State
from hybridret.runs.job_record import Attempt, JobRecord
from hybridret.runs.look import LOST
from hybridret.sweep.engines.engine import JobLook, JobState
from hybridret.sweep.overview.reconcile import NOT_STARTED, STARTING, Truth, reconcile

SUBMITTED = "2026-11-30T12:00:00+00:00"
BEFORE, AFTER = "2026-11-30T11:00:00+00:00", "2026-11-30T13:00:00+00:00"
JOB = JobRecord("slurm", "7_1", SUBMITTED, (), {}, (Attempt("7_1", "node3", AFTER, 0),))
LOOKS = {
    "silent": None,
    "pending": JobLook(JobState.PENDING, "Priority"),
    "running": JobLook(JobState.RUNNING, node="node3"),
    "timeout": JobLook(JobState.ENDED, "TIMEOUT"),
    "cancelled": JobLook(JobState.ENDED, "CANCELLED by 1000"),
    "oom": JobLook(JobState.ENDED, "OUT_OF_MEMORY"),
    "killed pod": JobLook(JobState.ENDED, "OOMKilled"),
    "well": JobLook(JobState.ENDED, "COMPLETED"),
    "wordless": JobLook(JobState.ENDED),
    "gone": JobLook(JobState.GONE),
}
STATUSES: dict[str, dict[str, Any] | None] = {
    "none": {},
    "queued": {"state": "queued", "heartbeat": BEFORE},
    "running": {"state": "running", "job": "7_1", "heartbeat": AFTER},
    "lost": {"state": "interrupted", "reason": LOST, "job": "7_1", "heartbeat": AFTER},
    "stopped": {"state": "interrupted", "reason": "stopped by SIGTERM", "job": "7_1", "heartbeat": AFTER},
    "failed": {"state": "failed", "reason": "no data", "job": "7_1", "heartbeat": AFTER},
    "failed before": {"state": "failed", "reason": "no data", "heartbeat": BEFORE},
    "finished": {"state": "finished", "heartbeat": AFTER},
    "skipped": {"state": "skipped", "reason": "no such size", "heartbeat": AFTER},
    "of another job": {"state": "running", "job": "6_0", "heartbeat": AFTER},
    "of another machine": {"state": "running", "host": "laptop", "heartbeat": AFTER},
    "damaged": None,
}
UNSEEN = {  # of a run whose files say nothing of its end
    "pending": ("queued", "Priority"),
    "running": ("running", STARTING),
    "timeout": ("interrupted", "slurm: TIMEOUT"),
    "cancelled": ("interrupted", "slurm: CANCELLED by 1000"),
    "oom": ("failed", "slurm: OUT_OF_MEMORY"),
    "killed pod": ("failed", "slurm: OOMKilled"),
    "well": ("failed", "its job ended well but wrote no result.json"),
    "wordless": ("interrupted", "slurm: ended"),
    "gone": ("interrupted", "slurm knows its job 7_1 no more"),
}
AGAIN = {"pending": UNSEEN["pending"], "running": UNSEEN["running"]}  # what only another attempt changes
EXPECTED: dict[str, dict[str, tuple[str, str]]] = {
    "none": {"silent": ("queued", NOT_STARTED), **UNSEEN},
    "queued": {"silent": ("queued", ""), **UNSEEN},
    "running": {"silent": ("running", ""), **UNSEEN, "running": ("running", "")},
    "lost": {"silent": ("interrupted", LOST), **UNSEEN},
    "stopped": {**dict.fromkeys(LOOKS, ("interrupted", "stopped by SIGTERM")), **AGAIN},
    "failed": {**dict.fromkeys(LOOKS, ("failed", "no data")), **AGAIN},
    "failed before": {"silent": ("failed", "no data"), **UNSEEN},
    "finished": dict.fromkeys(LOOKS, ("finished", "")),
    "skipped": dict.fromkeys(LOOKS, ("skipped", "no such size")),
    "of another job": dict.fromkeys(LOOKS, ("running", "")),
    "of another machine": dict.fromkeys(LOOKS, ("running", "")),
    "damaged": dict.fromkeys(LOOKS, ("damaged", "")),
}


def test_the_table_is_whole() -> None:
    assert set(EXPECTED) == set(STATUSES)
    assert all(set(row) == set(LOOKS) for row in EXPECTED.values())
    assert {str(state) for state in State} <= {str((one or {}).get("state")) for one in STATUSES.values()}
    assert {one.state for one in LOOKS.values() if one is not None} == set(JobState)


@pytest.mark.parametrize(("status", "look"), list(product(STATUSES, LOOKS)))
def test_every_combination(status: str, look: str) -> None:
    truth = reconcile(STATUSES[status], JOB, LOOKS[look])
    assert (truth.state, truth.reason) == EXPECTED[status][look]
    found = LOOKS[look]
    ended = found is not None and found.state is JobState.ENDED
    assert truth.by_engine == (ended and EXPECTED[status][look] == UNSEEN.get(look))


@pytest.mark.parametrize("status", STATUSES)
def test_without_a_job_the_files_decide(status: str) -> None:
    truth = reconcile(STATUSES[status], None, None)
    assert (truth.state, truth.reason) == EXPECTED[status]["silent"]


def test_an_engine_whose_statuses_name_no_job_is_known_by_its_machine() -> None:
    status = {"state": "running", "host": "node3", "heartbeat": AFTER}
    assert reconcile(status, JOB, LOOKS["oom"]) == Truth("failed", "slurm: OUT_OF_MEMORY", True)
    waiting = JobRecord("ray", "x", SUBMITTED, (), {})  # never began: somebody else runs it
    assert reconcile(status, waiting, LOOKS["pending"]).state == "running"


@pytest.mark.parametrize("heartbeat", [None, 7, "yesterday", "2026-11-30T11:00:00", "9" * 5000])
def test_a_time_that_is_none_is_not_before_anything(heartbeat: object) -> None:
    status = {"state": "failed", "reason": "no data", "heartbeat": heartbeat}
    assert reconcile(status, JOB, LOOKS["timeout"]).reason == "no data"
