"""What squeue and sacct print, as looks at jobs."""

from __future__ import annotations

import pytest

from hybridret.sweep.engines.engine import JobLook, JobState
from hybridret.sweep.engines.slurm.look import elapsed, read_accounts, read_queue, together

QUEUE = """12|0|13|RUNNING|None|node7|1:02:03
12|1|14|PENDING|Priority||0:00
slurm_load_jobs: a warning
15|N/A|15|COMPLETED|None|node1|0:07
16|2|17|CANCELLED|None||0:00
"""
ACCOUNTS = """12_0|PREEMPTED|node3|100
12_0|RUNNING|node7|20
18_3|CANCELLED by 0|None assigned|0
18_4|OUT_OF_MEMORY|node2|61
"""


def test_the_queue() -> None:
    assert read_queue(QUEUE) == {
        "12_0": JobLook(JobState.RUNNING, "", "node7", 3723.0),
        "12_1": JobLook(JobState.PENDING, "Priority", "", 0.0),
        "15": JobLook(JobState.ENDED, "COMPLETED", "node1", 7.0),
        "16_2": JobLook(JobState.ENDED, "CANCELLED", "", 0.0),
    }


def test_the_accounts_add_up_what_a_requeued_job_ran() -> None:
    found = read_accounts(ACCOUNTS)
    assert found["12_0"] == JobLook(JobState.RUNNING, "", "node7", 120.0)
    assert found["18_3"] == JobLook(JobState.ENDED, "CANCELLED", "", 0.0)
    assert found["18_4"] == JobLook(JobState.ENDED, "OUT_OF_MEMORY", "node2", 61.0)


def test_both_together() -> None:
    queue, accounts = read_queue(QUEUE), read_accounts("12_1|COMPLETED|node3|50\n18_4|TIMEOUT|node2|61\n")
    looks = together(["12_1", "18_4", "15", "99"], queue, accounts)
    assert looks["12_1"] == JobLook(JobState.PENDING, "Priority", "node3", 50.0)  # it was put back into the queue
    assert looks["18_4"].reason == "TIMEOUT"
    assert looks["15"].state is JobState.ENDED
    assert looks["99"] == JobLook(JobState.GONE)


def test_a_task_that_its_array_lists_no_more_has_ended() -> None:
    """`scancel 12_7` while it waits: SLURM keeps no record of it, and of `12_8` an account."""
    accounts = read_accounts("12_8|CANCELLED by 0|None assigned|0\n")
    looks = together(["12_7", "12_8", "13_7"], read_queue(QUEUE), accounts)
    assert (looks["12_7"].state, looks["12_7"].reason) == (JobState.ENDED, "cancelled before it began, or forgotten")
    assert looks["12_8"].reason == "CANCELLED"
    assert looks["13_7"].state is JobState.GONE  # perhaps of another cluster


@pytest.mark.parametrize(
    ("text", "seconds"), [("0:07", 7), ("59:59", 3599), ("1:00:00", 3600), ("2-01:00:01", 176401), ("INVALID", None)]
)
def test_times(text: str, seconds: int | None) -> None:
    assert elapsed(text) == seconds
