"""Where files cannot be locked the owner counts, and only a count that stands still is nobody's."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from hybridret.base.errors import UserError
from hybridret.runs import RunDirectory, State, beat

OWNER = """
import fcntl, sys
from pathlib import Path
from hybridret.runs import RunDirectory, beat

def no_locks(*_):
    raise OSError(95, "not supported")

fcntl.lockf, beat.INTERVAL = no_locks, 0.05
beat.socket.gethostname = lambda: "some-other-machine"
with RunDirectory(Path(sys.argv[1])).lock():
    print("held", flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> RunDirectory:
    def no_locks(*_: object) -> None:
        raise OSError(95, "not supported")

    monkeypatch.setattr("fcntl.lockf", no_locks)
    monkeypatch.setattr(beat, "INTERVAL", 0.05)
    monkeypatch.setattr(beat, "SILENCE", 2.0)
    run = RunDirectory(tmp_path / "sweep" / "seed-1")
    run.path.mkdir(parents=True)
    return run


@contextmanager
def owner(run: RunDirectory) -> Iterator[subprocess.Popen[str]]:
    line = [sys.executable, "-c", OWNER, str(run.path)]
    with subprocess.Popen(
        line, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "held\n"
        yield process
        process.kill()


@pytest.mark.parametrize("heartbeat", ["2020-01-01T00:00:00+00:00", "2099-01-01T00:00:00+00:00", "soon"])
def test_a_live_owner_is_never_taken_over_whatever_the_clocks_say(run: RunDirectory, heartbeat: str) -> None:
    with owner(run) as process:
        run.status.write_text(json.dumps({"state": "running", "heartbeat": heartbeat}))
        with pytest.raises(UserError, match=f"process {process.pid} on some-other-machine"), run.lock():
            pass


def test_a_dead_owner_is_taken_over_although_its_process_id_lives_and_its_heartbeat_is_of_the_future(
    run: RunDirectory,
) -> None:
    (run.path / ".lock").write_text(json.dumps({"pid": os.getppid(), "host": "here", "token": "a", "count": 7}))
    run.write_status(State.RUNNING, "h")
    run.status.write_text(run.status.read_text().replace('"heartbeat": "20', '"heartbeat": "21'))
    with run.lock():
        assert json.loads((run.path / ".lock").read_text())["pid"] == os.getpid()
    assert (run.path / ".lock").read_text() == ""


def test_a_released_directory_is_free_at_once(run: RunDirectory, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(beat, "SILENCE", 1e9)
    with owner(run) as process:
        process.communicate()  # its end of input: it leaves the block
    for _ in range(2):
        with run.lock():
            pass


def test_an_owner_that_was_stopped_for_too_long_ends(run: RunDirectory) -> None:
    """Two processes would write the same checkpoints."""
    with owner(run) as process:
        process.send_signal(signal.SIGSTOP)
        with run.lock():
            process.send_signal(signal.SIGCONT)
            assert process.stderr is not None
            said = process.stderr.read()  # to its end; its input stays open, or it would leave by itself
            assert process.wait() == 75
            assert said == f"Another process took over {run.path}: this one stood still for too long.\n"


def test_a_stop_is_heard_while_it_watches(run: RunDirectory) -> None:
    (run.path / ".lock").write_text("anything")

    def stop() -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt), run.lock(stop):
        pass
