"""resume, retry, cancel and clean on fabricated sweeps: what they start, stop and remove, and what they leave."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from hybridret.base.checksums import write_sealed
from hybridret.base.errors import UserError
from hybridret.base.processes import birth
from hybridret.report import report
from hybridret.runs import RunDirectory, State
from hybridret.runs.job_record import Attempt, read_job, write_job
from hybridret.sweep.control.cancel import cancel
from hybridret.sweep.control.clean import clean
from hybridret.sweep.control.resume import resume
from hybridret.sweep.control.retry import retry_failed
from hybridret.sweep.control.stored_command import StoredCommand
from hybridret.sweep.engines.engine import Engine, JobLook, JobState
from hybridret.sweep.overview.survey import survey

Make = Callable[..., RunDirectory]
Engines = Callable[[str], Engine]
COMMAND = "python -m hybridret.run -m seed=1,2 'data.path=a b' sweep=s"
ATTEMPTS = tuple(Attempt("1", "n", f"2026-11-30T0{i}:00:00+00:00", 5, None, 5) for i in range(3))


class Heard:
    """What was printed, and what was started."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.started: list[list[StoredCommand]] = []

    def say(self, line: str) -> None:
        self.lines.append(line)

    def execute(self, commands: Sequence[StoredCommand]) -> int:
        self.started.append(list(commands))
        return 1

    @property
    def text(self) -> str:
        return "\n".join(self.lines)


@pytest.fixture
def heard() -> Heard:
    return Heard()


def write_sweep(beside: Path, **more: Any) -> None:
    head = {"version": 1, "command": COMMAND, "directory": str(beside.parent.resolve()), "folder": beside.name}
    write_sealed(beside / "sweep.json", {**head, "points": [], **more})


@pytest.fixture
def sweep(make_run: Make, tmp_path: Path) -> Path:
    """One run finished, one interrupted, one failed three times, one whose job waits."""
    make_run("done", State.FINISHED).write_result({"config_hash": "h"})
    make_run("open", State.INTERRUPTED, reason="stopped by SIGTERM")
    make_run("bad", State.FAILED, reason="no data", job="1", attempts=ATTEMPTS)
    make_run("waits", State.QUEUED, job="2")
    write_sweep(tmp_path / "s")
    return tmp_path / "s"


@pytest.fixture(autouse=True)
def _jobs(stand_in: Any) -> None:
    stand_in.jobs = {"1": JobLook(JobState.ENDED, "FAILED"), "2": JobLook(JobState.PENDING, "Priority")}


def test_resume_is_the_command_as_it_was_typed(sweep: Path, heard: Heard, engines: Engines, tmp_path: Path) -> None:
    assert resume(sweep, heard.say, engines, heard.execute) == 1
    (((command,)),) = heard.started
    assert command.arguments == ("-m", "seed=1,2", "data.path=a b", "sweep=s")
    assert (command.typed, command.directory) == (COMMAND, tmp_path.resolve())
    assert "1 open: open" in heard.text
    assert COMMAND in heard.text


def command_of(beside: Path, seed: int, *runs: str) -> dict[str, Any]:
    """A command of the sweep as another one keeps it."""
    head = {"command": f"python -m hybridret.run -m seed={seed}", "directory": str(beside.parent.resolve())}
    return {**head, "folder": beside.name, "points": [{"run": run} for run in runs]}


def test_resume_runs_every_command_that_has_something_open(
    sweep: Path, make_run: Make, heard: Heard, engines: Engines
) -> None:
    make_run("older", State.INTERRUPTED)
    older, oldest = command_of(sweep, 4, "older"), command_of(sweep, 5, "done")
    write_sweep(sweep, points=[{"run": "open"}], earlier=[oldest, older])
    resume(sweep, heard.say, engines, heard.execute)
    assert [one.typed for one in heard.started[-1]] == [older["command"], COMMAND]
    assert "2 open: older, open" in heard.text or "2 open: open, older" in heard.text
    assert f"In {sweep.parent.resolve()}: {older['command']}" in heard.lines
    (sweep / "open" / "result.json").write_text("{}")
    resume(sweep, heard.say, engines, heard.execute)
    assert [one.typed for one in heard.started[-1]] == [older["command"]]
    retry_failed(sweep, heard.say, engines, heard.execute)  # `bad` is in no command: the last one may have it
    assert [one.typed for one in heard.started[-1]] == [older["command"], COMMAND]


def test_a_command_with_nothing_open_may_be_whatever_it_is(sweep: Path, heard: Heard, engines: Engines) -> None:
    write_sweep(sweep, points=[{"run": "open"}], earlier=[{**command_of(sweep, 4, "done"), "command": "rm -rf /"}])
    resume(sweep, heard.say, engines, heard.execute)
    assert [one.typed for one in heard.started[-1]] == [COMMAND]


POINT = """
import sys
from pathlib import Path
from hybridret.runs import RunDirectory, State
from hybridret.runs.status import write_status
run = RunDirectory(Path(sys.argv[1]))
with run.lock():
    write_status(run.status, State.RUNNING, "h")
    print("works", flush=True)
    sys.stdin.read()
"""
WORKS = f"""
import os, subprocess, sys
from hybridret.base.interruption import PARENT
subprocess.run([sys.executable, "-c", {POINT!r}, sys.argv[1]], env={{**os.environ, PARENT: str(os.getpid())}})
"""


@contextmanager
def working(run: Path) -> Iterator[int]:
    """A sweep in a process of its own, which runs that point; its id."""
    line = [sys.executable, "-c", WORKS, str(run)]
    with subprocess.Popen(line, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        process.stdout.readline()
        yield process.pid
        process.communicate("")


def test_a_sweep_goes_on_whose_file_a_later_command_wrote(
    sweep: Path, make_run: Make, heard: Heard, engines: Engines
) -> None:
    run = make_run("works", State.QUEUED)
    with working(run.path) as pid:
        resume(sweep, heard.say, engines, heard.execute)
        assert f"process {pid} on this machine runs this sweep already" in heard.text
    assert heard.started == []
    resume(sweep, heard.say, engines, heard.execute)
    assert len(heard.started) == 1


def test_cancel_ends_the_job_of_a_run_that_a_process_computes(
    sweep: Path, make_run: Make, heard: Heard, engines: Engines, stand_in: Any
) -> None:
    run = make_run("both", State.QUEUED, job="3")
    stand_in.jobs["3"] = JobLook(JobState.PENDING, "Priority")
    sent: list[int] = []
    with working(run.path) as pid:
        cancel(sweep, heard.say, engines, lambda process, number: sent.append(process))
    assert sent == [pid]
    assert [sorted(jobs) for jobs in stand_in.cancelled] == [["2", "3"]]


def test_cancel_stops_what_runs_several_commands_and_not_one_of_them(
    sweep: Path, heard: Heard, engines: Engines, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_sweep(sweep, controller={"pid": os.getpid(), "host": socket.gethostname(), "birth": birth(os.getpid())})
    monkeypatch.setattr("hybridret.sweep.control.controllers.sweep_of", {os.getpid(): 77}.get)
    sent: list[int] = []
    cancel(sweep, heard.say, engines, lambda process, number: sent.append(process))
    assert sent == [77]


def test_a_run_that_was_cleared_stays_so_whoever_looks(sweep: Path, heard: Heard, engines: Engines) -> None:
    retry_failed(sweep, heard.say, engines, heard.execute)
    row = next(row for row in survey(sweep, engines).rows if row.run == "bad")
    assert (row.state, row.job, row.engine) == ("queued", None, None)
    assert row.seconds
    assert (RunDirectory(sweep / "bad").read_status() or {})["state"] == "queued"


def test_a_command_that_was_given_twice_is_run_once(sweep: Path, heard: Heard, engines: Engines) -> None:
    write_sweep(sweep, earlier=[{**command_of(sweep, 4, "open"), "command": COMMAND}])
    resume(sweep, heard.say, engines, heard.execute)
    assert [one.typed for one in heard.started[-1]] == [COMMAND]


def test_nothing_is_started_where_an_earlier_command_is_a_stranger(sweep: Path, heard: Heard, engines: Engines) -> None:
    write_sweep(sweep, earlier=[{**command_of(sweep, 4, "open"), "command": "rm -rf /"}])
    with pytest.raises(UserError, match="was not made by"):
        resume(sweep, heard.say, engines, heard.execute)
    assert heard.started == []


def test_resume_starts_nothing_where_nothing_is_open(sweep: Path, heard: Heard, engines: Engines) -> None:
    (sweep / "open" / "result.json").write_text("{}")
    resume(sweep, heard.say, engines, heard.execute)
    assert heard.started == []
    assert "nothing is open (1 queued, 2 finished, 1 failed). To try what failed:" in heard.text


def test_a_second_controller_starts_nothing(sweep: Path, heard: Heard, engines: Engines) -> None:
    own = {"pid": os.getpid(), "host": socket.gethostname(), "birth": birth(os.getpid())}
    write_sweep(sweep, controller=own)
    resume(sweep, heard.say, engines, heard.execute)
    retry_failed(sweep, heard.say, engines, heard.execute)
    assert heard.started == []
    assert heard.text.count(f"process {os.getpid()} on {socket.gethostname()} runs this sweep already") == 2
    job = read_job(sweep / "bad")
    assert job is not None
    assert job.attempts == ATTEMPTS
    if own["birth"] is not None:  # its id was used again
        write_sweep(sweep, controller={**own, "birth": own["birth"] - 1})
        resume(sweep, heard.say, engines, heard.execute)
        assert len(heard.started) == 1


def test_a_controller_on_another_machine_is_known_by_its_runs(
    sweep: Path, make_run: Make, heard: Heard, engines: Engines, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_sweep(sweep, controller={"pid": 7, "host": "node4", "birth": 5})
    monkeypatch.setattr("hybridret.runs.status.socket.gethostname", lambda: "node4")
    live = make_run("live", State.RUNNING)
    monkeypatch.undo()
    with live.lock():
        resume(sweep, heard.say, engines, heard.execute)
    assert heard.started == []
    assert "process 7 on node4 runs this sweep already" in heard.text
    resume(sweep, heard.say, engines, heard.execute)
    assert len(heard.started) == 1


@pytest.mark.parametrize(
    ("command", "why"),
    [
        ("make slurm SWEEP=s", "was not made by"),
        ("rm -rf /", "was not made by"),
        ("python -m hybridret.runner -m seed=1", "was not made by"),
        ("python -m hybridret.run seed=1", "of a single run"),
        ("python -m hybridret.run -m 'seed=1", "no command of a shell"),
        ("python -m hybridret.run -m hydra.launcher._target_=os.system", "can start other programs"),
        ("python -m hybridret.run -m +x={_target_:os.system}", "can start other programs"),
        ("python -m hybridret.run -m hydra.launcher.module=evil", "can start other programs"),
        ("hybridret run -m seed=${oc.env:HF_TOKEN}", "can start other programs"),
        ("hybridret run -m ++hydra.searchpath=[evil]", "changes Hydra itself"),
        ("hybridret run -m --config-dir=evil", "can name other configs"),
        (None, "holds its command"),
        (5, "holds its command"),
    ],
)
def test_a_command_of_a_stranger_is_printed_and_not_run(
    sweep: Path, heard: Heard, engines: Engines, command: object, why: str
) -> None:
    write_sweep(sweep, command=command)
    for steer in (resume, retry_failed):
        with pytest.raises(UserError, match=why) as refused:
            steer(sweep, heard.say, engines, heard.execute)
        assert not isinstance(command, str) or command in str(refused.value)
    assert heard.started == []
    job = read_job(sweep / "bad")
    assert job is not None
    assert job.attempts == ATTEMPTS  # nothing was cleared for nothing


@pytest.mark.parametrize(
    "where",
    [
        {"directory": None}, {"directory": "."}, {"directory": "/proc/self/cwd"}, {"directory": "/nowhere"},
        {"folder": "t"}, {"folder": None}, {"directory": 5},
    ],
)  # fmt: skip
def test_a_sweep_that_was_moved_is_not_run_where_it_was(
    sweep: Path, heard: Heard, engines: Engines, where: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(sweep.parent)
    write_sweep(sweep, **where)
    with pytest.raises(UserError, match="Run it yourself"):
        resume(sweep, heard.say, engines, heard.execute)


def test_retry_clears_what_holds_failed_runs_back(sweep: Path, heard: Heard, engines: Engines) -> None:
    retry_failed(sweep, heard.say, engines, heard.execute)
    job = read_job(sweep / "bad")
    assert job is not None
    assert (job.attempts, job.earlier) == ((), ATTEMPTS)
    status = RunDirectory(sweep / "bad").read_status() or {}
    assert (status["state"], status["reason"], status["config_hash"]) == ("queued", None, "h")
    assert "2 open: open, bad" in heard.text
    assert len(heard.started) == 1


def test_retry_leaves_a_run_alone_that_another_process_works_on(
    sweep: Path, heard: Heard, engines: Engines, monkeypatch: pytest.MonkeyPatch
) -> None:
    from hybridret.sweep.control import retry

    with RunDirectory(sweep / "bad").lock():
        monkeypatch.setattr(retry, "survey", lambda *more: _as_failed(sweep, engines))
        retry_failed(sweep, heard.say, engines, heard.execute)
    assert heard.started == []
    assert "bad: another process works on it already." in heard.lines


def _as_failed(sweep: Path, engines: Engines) -> Any:
    """What a look saw just before another process began."""
    found = survey(sweep, engines, mend=False)
    rows = [replace(row, state="failed", live=False) for row in found.rows if row.run == "bad"]
    return replace(found, rows=tuple(rows))


def test_retry_where_nothing_failed(sweep: Path, heard: Heard, engines: Engines) -> None:
    (sweep / "bad" / "result.json").write_text("{}")
    retry_failed(sweep, heard.say, engines, heard.execute)
    assert (heard.started, heard.lines) == ([], [f"{sweep}: no run has failed."])


def test_cancel_ends_jobs_and_processes(sweep: Path, heard: Heard, engines: Engines, stand_in: Any) -> None:
    sent: list[tuple[int, int]] = []
    write_sweep(sweep, controller={"pid": os.getpid(), "host": socket.gethostname(), "birth": birth(os.getpid())})
    assert cancel(sweep, heard.say, engines, lambda pid, number: sent.append((pid, number))) == 0
    assert sent == [(os.getpid(), signal.SIGTERM)]
    assert stand_in.cancelled == [["2"]]  # those that have ended are left alone
    assert "cancelled 1 job of stand_in: 2" in heard.text
    write_sweep(sweep)
    heard.lines.clear()
    assert cancel(sweep, heard.say, engines) == 0
    assert heard.lines == [f"{sweep}: nothing runs and nothing waits."]


def test_cancel_notes_at_once_that_a_run_waits_no_more(sweep: Path, heard: Heard, engines: Engines) -> None:
    cancel(sweep, heard.say, engines)
    status = RunDirectory(sweep / "waits").read_status() or {}
    assert (status["state"], status["reason"]) == ("interrupted", "its job was cancelled while it waited")
    assert status["config_hash"] == "h"


def test_cancel_leaves_the_word_to_a_run_that_begins_in_this_moment(
    sweep: Path, heard: Heard, engines: Engines, stand_in: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    with ExitStack() as working:
        monkeypatch.setattr(
            stand_in, "cancel", lambda jobs: working.enter_context(RunDirectory(sweep / "waits").lock())
        )
        cancel(sweep, heard.say, engines)
    assert (RunDirectory(sweep / "waits").read_status() or {})["state"] == "queued"


@pytest.mark.slow
def test_a_report_asks_what_became_of_jobs_that_wait(make_run: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    """`scancel` of a job that waits: no process ever begins that could write it."""
    run = make_run("waits", State.QUEUED, job="7_0")
    job = read_job(run.path)
    assert job is not None
    write_job(run.path, replace(job, engine="slurm"))
    answers = {"squeue": "7|0|7|CANCELLED|None||0:00\n", "sacct": ""}
    monkeypatch.setattr("hybridret.sweep.engines.slurm.engine.call", lambda command: answers[command[0]])
    with pytest.raises(UserError):  # nothing to report
        report(run.path.parent)
    status = run.read_status() or {}
    assert (status["state"], status["reason"]) == ("interrupted", "slurm: CANCELLED")


def test_cancel_says_what_it_cannot_stop(
    sweep: Path, make_run: Make, heard: Heard, engines: Engines, stand_in: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("hybridret.runs.status.socket.gethostname", lambda: "node4")
    far = make_run("far", State.RUNNING)
    monkeypatch.setenv("SLURM_JOB_ID", "99")
    shared = make_run("shared", State.RUNNING)
    monkeypatch.undo()
    with far.lock(), shared.lock():
        assert cancel(sweep, heard.say, engines) == 1
    assert f"far runs on node4 as process {os.getpid()}: give this command there" in heard.text
    assert "shared belongs to job 99, which holds more than this run: cancel it by hand" in heard.text
    stand_in.silent = True
    heard.lines.clear()
    assert cancel(sweep, heard.say, engines) == 1
    assert "stand_in was not asked" in heard.text


FAILED_FILES = ("checkpoints/last.ckpt", "checkpoints/best/model.safetensors")
HALF = (".status.json.k3_x8a0q.json", "checkpoints/.last.ckpt.12345678.ckpt")
KEPT = ("log.txt", "history.jsonl", "config.yaml", "metrics.csv", "status.json")


def fill(sweep: Path) -> None:
    for run in ("done", "open", "bad", "waits"):
        for name in (*FAILED_FILES, *HALF, *KEPT):
            path = sweep / run / name
            path.parent.mkdir(parents=True, exist_ok=True)
            if not path.exists():
                path.write_bytes(b"1" * 1000)


def files_of(sweep: Path) -> set[str]:
    return {str(path.relative_to(sweep)) for path in sweep.rglob("*") if path.is_file() and path.name != ".lock"}


@pytest.mark.parametrize("dry", [True, False])
def test_clean_removes_leftovers_and_checkpoints_of_failed_runs(
    sweep: Path, heard: Heard, engines: Engines, dry: bool
) -> None:
    fill(sweep)
    old, young = sweep / ".sweep.json.k3_x8a0q.json", sweep / ".sweep.json.k3_x8a0r.json"
    for path in (old, young):
        path.touch()
    os.utime(old, (time.time() - 7200,) * 2)
    before, statuses = files_of(sweep), [path.read_bytes() for path in sorted(sweep.glob("*/status.json"))]
    clean(sweep, heard.say, dry, engines)
    gone = {old.name, *(f"{run}/{name}" for run in ("done", "open", "bad") for name in HALF)}
    gone |= {f"bad/{name}" for name in FAILED_FILES}  # not those of `waits`, whose job comes
    assert before - files_of(sweep) == (set() if dry else gone)
    assert [path.read_bytes() for path in sorted(sweep.glob("*/status.json"))] == statuses
    verb = "would remove" if dry else "removed"
    assert heard.lines[-1] == f"{sweep}: {verb} 0.0 MB."
    assert sum(line.startswith(verb) for line in heard.lines) == 7
    if not dry:
        heard.lines.clear()
        clean(sweep, heard.say, dry, engines)
        assert heard.lines == [f"{sweep}: there is nothing to remove."]


def test_clean_never_touches_a_live_run(sweep: Path, heard: Heard, engines: Engines) -> None:
    fill(sweep)
    before = files_of(sweep)
    with RunDirectory(sweep / "bad").lock(), RunDirectory(sweep / "open").lock(), RunDirectory(sweep / "done").lock():
        clean(sweep, heard.say, False, engines)
    assert files_of(sweep) == before


def test_clean_looks_again_under_the_lock(
    sweep: Path, heard: Heard, engines: Engines, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between its look and its lock another process retried the run, trained, and left."""
    from hybridret.sweep.control import clean as module

    fill(sweep)
    earlier = module.survey(sweep, engines, mend=False)

    def late(*_: object, **__: object) -> Any:
        path = sweep / "bad" / "status.json"
        path.write_text(
            json.dumps({"state": "interrupted", "reason": "saved", "heartbeat": "2026-12-01T00:00:00+00:00"})
        )
        return earlier

    monkeypatch.setattr(module, "survey", late)
    clean(sweep, heard.say, False, engines)
    assert (sweep / "bad" / "checkpoints" / "last.ckpt").exists()


def test_retry_says_which_runs(tmp_path: Path) -> None:
    from hybridret.retry import main

    with pytest.raises(SystemExit) as left:
        main([str(tmp_path)])
    assert left.value.code == 2


@pytest.mark.parametrize("name", ["resume", "cancel", "retry", "clean"])
def test_what_is_no_sweep(name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from importlib import import_module

    words = ["--failed"] if name == "retry" else []
    assert import_module(f"hybridret.{name}").main([*words, str(tmp_path / "nowhere")]) == 2
    assert "nowhere is not the folder of a sweep" in capsys.readouterr().err
