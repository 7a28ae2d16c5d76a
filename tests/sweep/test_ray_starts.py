"""Jobs on Ray and their starts: what is started again, what is said of a job, and what is asked of Ray."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from hybridret.base.errors import UserError
from hybridret.sweep.engines.engine import JobLook, JobState, Resources
from hybridret.sweep.engines.ray.cancelled import cancel_note
from hybridret.sweep.engines.ray.keeper import keep
from hybridret.sweep.engines.ray.options import RayOptions
from hybridret.sweep.engines.ray.starts import (
    Start,
    full_name,
    look_of,
    parts,
    read_starts,
    to_start_again,
)
from hybridret.sweep.engines.ray.submission import Submission, read_submission, requests, write_submission
from hybridret.sweep.queue.ray_launcher import RayLauncher

DIED = Start("FAILED", "JOB_SUPERVISOR_ACTOR_DIED", message="its node\n died", node="n1")
LATE = Start("FAILED", "JOB_SUPERVISOR_ACTOR_START_TIMEOUT")
KILLED = Start("FAILED", "JOB_ENTRYPOINT_COMMAND_ERROR", -9)
FAILED = Start("FAILED", "JOB_ENTRYPOINT_COMMAND_ERROR", 1)
BROKEN = Start("FAILED", "RUNTIME_ENV_SETUP_FAILURE", message="no such package")
STOPPED, DONE, WAITS, RUNS = Start("STOPPED"), Start("SUCCEEDED", code=0), Start("PENDING"), Start("RUNNING", node="n2")


def job(name: str, status: str, error: str | None = None, code: int | None = None) -> Any:
    """As Ray's client lists it."""
    return SimpleNamespace(
        submission_id=name, status=SimpleNamespace(value=status), error_type=error, driver_exit_code=code, message=None,
        driver_agent_http_address=None, metadata={},
    )  # fmt: skip


@pytest.mark.parametrize(
    ("starts", "again"),
    [([], False), ([DIED], True), ([KILLED], True), ([LATE], True), ([FAILED], False), ([BROKEN], False),
     ([STOPPED], False), ([DONE], False), ([WAITS], False), ([RUNS], False), ([DIED, RUNS], False),
     ([DIED, DIED], True), ([DIED, DIED, DIED], False), ([DIED, LATE, LATE, LATE, DIED], True)],
)  # fmt: skip
def test_what_the_cluster_lost_is_started_again_until_the_limit(starts: list[Start], again: bool) -> None:
    assert to_start_again(starts, max_requeues=2) is again


@pytest.mark.parametrize(
    ("starts", "cancelled", "kept", "look"),
    [
        ([], False, True, JobLook(JobState.GONE)),
        ([WAITS], False, True, JobLook(JobState.PENDING, "waits for resources")),
        ([WAITS], True, True, JobLook(JobState.ENDED, "STOPPED")),
        ([DIED, RUNS], False, True, JobLook(JobState.RUNNING, "", "n2")),
        ([RUNS], True, True, JobLook(JobState.RUNNING, "", "n2")),
        ([DIED], False, True, JobLook(JobState.PENDING, "is started again: LOST: its node died", "n1")),
        ([DIED], False, False, JobLook(JobState.ENDED, "LOST: its node died", "n1")),
        ([DIED], True, True, JobLook(JobState.ENDED, "STOPPED", "n1")),
        ([KILLED], False, False, JobLook(JobState.ENDED, "KILLED: exit code -9")),
        ([FAILED], False, True, JobLook(JobState.ENDED, "FAILED: exit code 1")),
        ([BROKEN], False, True, JobLook(JobState.ENDED, "FAILED: no such package")),
        ([DONE], False, True, JobLook(JobState.ENDED, "SUCCEEDED")),
    ],
)
def test_looks(starts: list[Start], cancelled: bool, kept: bool, look: JobLook) -> None:
    assert look_of(starts, cancelled, kept) == look


def test_starts_are_found_by_their_names() -> None:
    found = [job("a.2", "RUNNING"), job("a", "FAILED", DIED.error), job("b.2", "RUNNING"), job("ab", "PENDING")]
    starts = read_starts(found, ["a", "b"])
    assert [one.status for one in starts["a"]] == ["FAILED", "RUNNING"]
    assert starts["b"] == []


@pytest.mark.parametrize("address", ["http://head:8265", "https://head/ray"])
def test_a_name_knows_its_cluster(address: str) -> None:
    assert parts(full_name("s-1-0", address)) == ("s-1-0", address)


class Cluster:
    """Notes what is submitted; a name is taken once only, as with Ray."""

    def __init__(self, *jobs: Any) -> None:
        self.listed = list(jobs)

    def jobs(self) -> list[Any]:
        return self.listed

    def submit(self, request: dict[str, Any]) -> None:
        if request["submission_id"] in {one.submission_id for one in self.listed}:
            raise UserError("it exists")
        self.listed.append(job(request["submission_id"], "PENDING"))


def test_the_keeper_starts_again_what_was_lost_but_not_what_was_cancelled(tmp_path: Path) -> None:
    tasks = tmp_path / "tasks.json"
    asked = requests(tasks, [Resources()] * 3, ["a", "b", "c"], "k", "http://head:1", RayOptions())
    write_submission(tmp_path / "jobs.json", Submission(tuple(asked), 5, 1.0))
    submission = read_submission(tmp_path / "jobs.json")
    cancel_note(str(tasks), "b")
    cluster = Cluster(job("a", "FAILED", DIED.error), job("b", "FAILED", DIED.error), job("c", "SUCCEEDED"))
    assert keep(submission, cluster)  # type: ignore[arg-type]
    assert [one.submission_id for one in cluster.listed] == ["a", "b", "c", "a.2"]
    assert keep(submission, cluster)  # type: ignore[arg-type]
    cluster.listed[-1] = job("a.2", "SUCCEEDED")
    assert not keep(submission, cluster)  # type: ignore[arg-type]
    assert len(cluster.listed) == 4


def test_what_is_asked_of_ray(tmp_path: Path) -> None:
    options = RayOptions(python="/opt/python", env={"X": "1"}, custom={"a100": 1}, grace=7)
    wanted = Resources(gpus=2, tasks=2, cores=8, memory=1.5)
    (request,) = requests(tmp_path / "with space", [wanted], ["a"], "k", "http://head:1", options)
    assert request["entrypoint_num_cpus"] == 8
    assert request["entrypoint_num_gpus"] == 2
    assert request["entrypoint_memory"] == 3 << 29
    assert request["entrypoint_resources"] == {"a100": 1.0}
    variables = request["runtime_env"]["env_vars"]
    assert variables == {"X": "1", "RAY_JOB_STOP_WAIT_TIME_S": "7", "HYBRIDRET_JOB": "a@head:1"}
    assert request["entrypoint"].endswith(f"exec /opt/python -m hybridret.sweep.queue.job '{tmp_path}/with space' 0")


@pytest.mark.parametrize(
    ("keys", "named"),
    [({"memory": 0.1}, "memory"), ({"custom": {"a100": 0}}, "custom.a100"), ({"limits": {"nodes": 2}}, "limits.nodes"),
     ({"limits": {"minutos": 2}}, "limits.minutos"), ({"grace": 0}, "grace"), ({"every": 0}, "every")],
)  # fmt: skip
def test_a_wrong_key_is_refused(keys: dict[str, Any], named: str) -> None:
    with pytest.raises(UserError, match=rf"^hydra\.launcher\.{named}"):
        RayLauncher(**keys)


def test_an_address_where_nothing_answers_is_named() -> None:
    pytest.importorskip("ray", reason="the package ray is not installed")
    from hybridret.sweep.engines.ray import RayEngine

    with pytest.raises(UserError, match=r"Ray at http://127.0.0.1:9 refused or did not answer: .*RAY_ADDRESS"):
        RayEngine().look(["s-1-0@127.0.0.1:9"])
