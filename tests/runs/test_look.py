"""What a run is, whatever its status.json says: result.json decides, then the lock, then the heartbeat."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from hybridret.base.files import write_json
from hybridret.runs import RunDirectory, State
from hybridret.runs.look import LOST
from hybridret.runs.status import write_status

HOLDER = """
import sys
from pathlib import Path
from hybridret.runs import RunDirectory
with RunDirectory(Path(sys.argv[1])).lock():
    print("held", flush=True)
    sys.stdin.read()
"""

LOOKER = """
import sys
from pathlib import Path
from hybridret.runs import RunDirectory, State
run = RunDirectory(Path(sys.argv[1]))
print("looks", flush=True)
while not Path(sys.argv[2]).exists():
    run.look()
"""


@pytest.fixture
def run(tmp_path: Path) -> RunDirectory:
    run = RunDirectory(tmp_path / "sweep" / "batching-mono_seed-1")
    run.checkpoints.mkdir(parents=True)
    return run


@pytest.fixture
def held(run: RunDirectory) -> Iterator[None]:
    """Another process owns the directory."""
    line = [sys.executable, "-c", HOLDER, str(run.path)]
    with subprocess.Popen(line, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        yield
        holder.communicate()


def said(run: RunDirectory) -> tuple[Any, Any, Any]:
    status = run.read_status() or {}
    return status.get("state"), status.get("reason"), status.get("config_hash")


@pytest.mark.parametrize("state", [State.RUNNING, State.INTERRUPTED, State.FAILED, State.QUEUED, None])
def test_a_result_makes_a_run_finished(run: RunDirectory, state: State | None) -> None:
    run.write_result({"config_hash": "h"})
    if state is not None:
        write_status(run.status, state, "h", "a reason of then")
    assert run.look()["state"] == "finished"
    assert said(run) == ("finished", None, "h")


def test_finished_without_a_result_is_not_finished(run: RunDirectory) -> None:
    write_status(run.status, State.FINISHED, "h")
    assert run.look()["state"] == "interrupted"
    assert said(run) == ("interrupted", "its result.json is not there", "h")


def test_a_dead_run_is_interrupted(run: RunDirectory) -> None:
    write_status(run.status, State.RUNNING, "h", phase="train", done=7)
    before = run.read_status() or {}
    assert run.look()["reason"] == LOST
    assert said(run) == ("interrupted", LOST, "h")
    assert run.read_status() == before | {"state": "interrupted", "reason": LOST}


@pytest.mark.parametrize("state", [State.INTERRUPTED, State.FAILED, State.SKIPPED, State.QUEUED])
def test_what_was_said_of_a_run_without_owner_stays(run: RunDirectory, state: State) -> None:
    write_status(run.status, state, "h", "a reason")
    before = run.status.read_bytes()
    assert run.look()["state"] == state
    assert run.status.read_bytes() == before


@pytest.mark.usefixtures("held")
@pytest.mark.parametrize("state", [State.FAILED, State.RUNNING])
def test_a_live_run_is_running_and_its_files_are_its_own(run: RunDirectory, state: State) -> None:
    write_status(run.status, state, "h", None if state is State.RUNNING else "in use")
    temporary = run.path / ".status.json.k3_x8a0q.json"
    temporary.touch()
    before = run.status.read_bytes()
    assert (run.look()["state"], run.look()["reason"]) == ("running", None)
    run.write_status(State.FAILED, "h", "said by one who knows less")
    assert run.status.read_bytes() == before
    assert temporary.exists()


@pytest.mark.parametrize("how", ["claim", "look"])
def test_what_kills_left_half_written_is_removed(run: RunDirectory, how: str) -> None:
    half = [
        run.path / ".status.json.k3_x8a0q.json",
        run.path / ".queries.parquet.aaaaaaaa.parquet",
        run.checkpoints / ".last.ckpt.12345678.ckpt",
        run.checkpoints / ".best.new-abcdefgh" / "model.safetensors",
        run.path / "trec" / ".run.txt.12345678.txt",
    ]
    kept = [run.checkpoints / ".best.old" / "model.safetensors", run.path / ".wandb", run.last_checkpoint]
    for path in half + kept:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    write_status(run.status, State.RUNNING, "h")
    if how == "claim":
        with run.lock():
            run.claim("h")
    else:
        run.look()
    assert [path for path in half if path.exists()] == []
    assert not (run.checkpoints / ".best.new-abcdefgh").exists()
    assert [path for path in kept if not path.exists()] == []


def test_one_who_looks_is_never_taken_for_the_owner(
    run: RunDirectory, tmp_path: Path, started: Callable[..., subprocess.Popen[str]]
) -> None:
    write_status(run.status, State.FAILED, "h")
    line = [sys.executable, "-c", LOOKER, str(run.path), str(tmp_path / "enough")]
    lookers = [started(line, stdout=subprocess.PIPE, text=True) for _ in range(2)]
    for looker in lookers:
        assert looker.stdout is not None
        assert looker.stdout.readline() == "looks\n"
    for _ in range(300):
        with run.lock():  # in use: it would raise
            pass
    (tmp_path / "enough").touch()
    for looker in lookers:
        looker.communicate()
        assert looker.returncode == 0


@pytest.mark.parametrize("heartbeat", ["yesterday", 7, None, "2026-11-26T10:00:00", "2020-01-01T00:00:00+00:00"])
def test_without_locks_a_heartbeat_that_is_old_or_no_time_is_nobodys(
    run: RunDirectory, monkeypatch: pytest.MonkeyPatch, heartbeat: object
) -> None:
    def no_locks(*_: object) -> None:
        raise OSError(95, "not supported")

    monkeypatch.setattr("fcntl.lockf", no_locks)
    write_json(run.path / ".lock", {"pid": 1, "host": "some-other-machine"})
    write_status(run.status, State.RUNNING, "h")
    assert run.look()["state"] == "running"
    run.status.write_text(json.dumps({**(run.read_status() or {}), "heartbeat": heartbeat}))
    assert run.look()["state"] == "interrupted"


def test_a_broken_status_is_mended_by_a_result(run: RunDirectory) -> None:
    run.status.write_text("{")
    assert run.look() == {}
    run.write_result({"config_hash": "h"})
    assert run.look()["state"] == "finished"
    assert said(run) == ("finished", None, "h")
