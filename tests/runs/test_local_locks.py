"""Where a lock holds on one machine only (Lustre with localflock, NFS with local_lock), the count in the file decides.

Another machine is a process with another host name, or one in UTS and network namespaces of its own.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from hybridret.base.errors import UserError
from hybridret.runs import RunDirectory, State, beat
from hybridret.runs.look import LOST

OWNER = """
import ctypes, fcntl, socket, sys
from pathlib import Path
from hybridret.runs import RunDirectory, State, beat
from hybridret.runs.status import write_status

folder, kind, locks, silence = sys.argv[1:]
NEW_NETWORK, NEW_NAME = 0x40000000, 0x04000000
if kind == "namespaces":
    if ctypes.CDLL(None, use_errno=True).unshare(NEW_NETWORK | NEW_NAME) != 0:
        print("not permitted", flush=True)
        sys.exit()
    socket.sethostname("node7")
else:
    socket.gethostname = lambda: "node7"
if locks == "local":  # of this machine: nobody else is on it
    fcntl.lockf = lambda *_: None
beat.INTERVAL, beat.SILENCE = 0.05, float(silence)
run = RunDirectory(Path(folder))
with run.lock():
    write_status(run.status, State.RUNNING, "h")
    print("held", flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> RunDirectory:
    monkeypatch.setattr(beat, "INTERVAL", 0.05)
    monkeypatch.setattr(beat, "SILENCE", 2.0)
    run = RunDirectory(tmp_path / "sweep" / "seed-1")
    run.path.mkdir(parents=True)
    return run


@pytest.fixture(params=["local", "shared"])
def locks(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Whether a lock of another machine is seen here."""
    if request.param == "local":
        monkeypatch.setattr("fcntl.lockf", lambda *_: None)
    return str(request.param)


@pytest.fixture(params=["name", "namespaces"])
def owner(
    request: pytest.FixtureRequest, run: RunDirectory, locks: str, started: Callable[..., subprocess.Popen[str]]
) -> subprocess.Popen[str]:
    """A process on the machine `node7` that holds the run."""
    line = [sys.executable, "-c", OWNER, str(run.path), request.param, locks, "2"]
    pipes = dict.fromkeys(("stdin", "stdout", "stderr"), subprocess.PIPE)
    process = started(line, **pipes, text=True)
    assert process.stdout is not None
    if (first := process.stdout.readline()) == "not permitted\n":
        pytest.skip("this user may not make namespaces")
    assert first == "held\n"
    return process


def test_a_live_owner_on_another_machine_is_never_taken_over(run: RunDirectory, owner: subprocess.Popen[str]) -> None:
    for _ in range(2):
        with pytest.raises(UserError, match=f"process {owner.pid} on node7"), run.lock():
            pass
    assert json.loads((run.path / ".lock").read_text())["host"] == "node7"
    assert owner.poll() is None


def test_who_looks_sees_it_and_leaves_its_files_alone(run: RunDirectory, owner: subprocess.Popen[str]) -> None:
    """A temporary checkpoint that is taken away would end it."""
    run.checkpoints.mkdir()
    temporary = run.checkpoints / ".last.ckpt.12345678.ckpt"
    temporary.touch()
    assert run.look()["state"] == "running"
    run.write_status(State.FAILED, "h", "of one who knows less")
    assert (run.read_status() or {})["state"] == "running"
    assert "node7" in (run.in_use() or "")
    assert temporary.exists()
    assert not [path for path in run.path.iterdir() if path.name.startswith(".lock.")]
    owner.kill()
    owner.wait()
    before = (run.path / ".lock").stat().st_mtime - 3
    os.utime(run.path / ".lock", (before, before))
    assert (run.look()["state"], run.look()["reason"]) == ("interrupted", LOST)
    assert not temporary.exists()


def test_a_killed_owner_is_followed_after_its_silence(run: RunDirectory, owner: subprocess.Popen[str]) -> None:
    owner.kill()
    owner.wait()
    with run.lock():
        holder = json.loads((run.path / ".lock").read_text())
        assert (holder["pid"], holder["host"] == "node7") == (os.getpid(), False)
    assert (run.path / ".lock").read_text() == ""


def test_an_owner_that_left_is_followed_at_once(
    run: RunDirectory, owner: subprocess.Popen[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(beat, "SILENCE", 1e9)
    owner.communicate()
    with run.lock():
        pass


@pytest.mark.parametrize("locks", ["local"], indirect=True)
def test_of_two_that_begin_at_the_same_moment_one_ends(run: RunDirectory, owner: subprocess.Popen[str]) -> None:
    """The other one came while the file was empty, as a lock of its own machine let it."""
    owner.send_signal(signal.SIGSTOP)
    (run.path / ".lock").write_text("")
    with run.lock():
        owner.send_signal(signal.SIGCONT)
        assert owner.wait() == 75
        assert owner.stderr is not None
        assert "Another process took over" in owner.stderr.read()


def test_an_owner_keeps_its_lock_while_it_counts(
    run: RunDirectory, started: Callable[..., subprocess.Popen[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Closing any descriptor of the file would drop it: a process of this machine tries after some counts."""
    monkeypatch.setattr(beat, "INTERVAL", 0.001)
    script = OWNER.replace('socket.gethostname = lambda: "node7"', "pass")
    with run.lock():
        first = (run.path / ".lock").stat().st_mtime_ns
        while (run.path / ".lock").stat().st_mtime_ns == first:  # stat opens nothing
            pass
        late = started(
            [sys.executable, "-c", script, str(run.path), "name", "shared", "2"],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip
        _, errors = late.communicate()
    assert f"process {os.getpid()} on" in errors
