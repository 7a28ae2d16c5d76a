"""`status.json`: what a run is doing, for the sweep's bars, other machines and people with `cat`.

Each write replaces the whole file, so a reader never sees half of one. Progress is written at most once per second;
a change of state at once. While a run works, a heartbeat is also written at regular intervals, however long one step
takes.
"""

from __future__ import annotations

import os
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from pathlib import Path
from typing import Any

from hybridret.base.checksums import read_sealed, write_sealed
from hybridret.base.errors import UserError
from hybridret.base.heartbeat import Pulse
from hybridret.base.progress import Advance
from hybridret.runs.job_record import JOB

HEARTBEAT = 15.0  # seconds
STALE = timedelta(minutes=10)  # longer than any silent phase; used only where the file system cannot lock


class State(StrEnum):
    """The states of a run. Only `result.json` makes a run finished; the state only repeats this."""

    QUEUED = "queued"
    RUNNING = "running"
    FINISHED = "finished"
    FAILED = "failed"
    SKIPPED = "skipped"
    INTERRUPTED = "interrupted"


def read_status(path: Path) -> dict[str, Any] | None:
    """The content of a `status.json`, None where there is none. Raises UserError when it is broken."""
    if not path.is_file():
        return None
    return read_sealed(path, "the status of a run")


def is_stale(status: dict[str, Any]) -> bool:
    """Whether the heartbeat is older than any silent phase lasts, or is no valid time."""
    try:
        return datetime.now(UTC) - datetime.fromisoformat(status["heartbeat"]) > STALE
    except (KeyError, TypeError, ValueError):  # TypeError: no text, or a time without a zone
        return True


def write_status(path: Path, state: State, config_hash: str | None, reason: str | None = None, **more: Any) -> None:
    """Write a whole `status.json` on behalf of the calling process."""
    status = {"state": str(state), "phase": "", "done": 0, "total": None, "note": "", **more}
    heartbeat = datetime.now(UTC).isoformat(timespec="seconds")
    whose = {"heartbeat": heartbeat, "pid": os.getpid(), "host": socket.gethostname(), **_job()}
    write_sealed(path, {**status, **whose, "reason": reason, "config_hash": config_hash})


def _job() -> dict[str, str]:
    """The job that this process belongs to, as its engine calls it: a cluster of Ray may itself be a job of SLURM."""
    if named := os.environ.get(JOB):
        return {"job": named}
    array, task = os.environ.get("SLURM_ARRAY_JOB_ID"), os.environ.get("SLURM_ARRAY_TASK_ID")
    job = f"{array}_{task}" if array and task else os.environ.get("SLURM_JOB_ID")
    return {"job": job} if job else {}


class StatusWriter:
    """Keeps the `status.json` of the run that this process works on.

    >>> status = StatusWriter(run.status, config_hash)
    >>> status.set(State.RUNNING)
    >>> with StatusProgress(status).task("train", 1200) as advance: advance(1, "loss 2.31")
    >>> status.set(State.FINISHED)
    """

    def __init__(
        self, path: Path, config_hash: str | None, interval: float = 1.0, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.path = path
        self.config_hash = config_hash
        self.state = State.QUEUED
        self.reason: str | None = None
        self._interval = interval
        self._clock = clock
        self._written: float | None = None
        self._tasks: list[dict[str, Any]] = []  # innermost last: the one that is shown
        self._last: dict[str, Any] = {}  # shown between two tasks
        self._first: dict[int, tuple[float, int]] = {}  # time and count of a task's first advance, by its id
        self._lock = threading.RLock()
        self._pulse = Pulse(self.beat, HEARTBEAT)

    def set(self, state: State, reason: str | None = None) -> None:
        """Write a new state at once. Raises UserError when the folder cannot be written."""
        with self._lock:
            self.state, self.reason = state, reason
            self._write()
        if state is State.RUNNING:
            self._pulse.start()

    def beat(self) -> None:
        """Write a heartbeat where the run is at work; else do nothing."""
        with self._lock:
            if self.state is State.RUNNING:
                self._heartbeat(force=True)

    def give_up(self, state: State, reason: str) -> None:
        """`set` when the run ends with an error; a full disk must not hide the message of that error.

        `reason` is put on one line.
        """
        with suppress(UserError):
            self.set(state, " ".join(reason.split()))

    def begin(self, phase: str, total: int | None) -> dict[str, Any]:
        """A new innermost task; pass it to `advance` and `end`."""
        task = {"phase": phase, "done": 0, "total": total, "note": "", "rate": None}
        self._tasks.append(task)
        self._heartbeat(force=True)
        return task

    def advance(self, task: dict[str, Any], count: int, note: str) -> None:
        """`count` units more of `task` are done."""
        task["done"] += count
        task["note"] = note or task["note"]
        now = self._clock()
        since, first = self._first.setdefault(id(task), (now, task["done"]))  # may count what an earlier process did
        if now > since:
            task["rate"] = float(f"{(task['done'] - first) / (now - since):.4g}")
        self._heartbeat()

    def end(self, task: dict[str, Any]) -> None:
        """`task` is over, or was left by an exception: its last numbers stay visible."""
        self._tasks = [other for other in self._tasks if other is not task]
        self._last = task
        self._first.pop(id(task), None)
        self._heartbeat(force=True)

    def _heartbeat(self, force: bool = False) -> None:
        with self._lock:
            self._write_if_due(force)

    def _write_if_due(self, force: bool) -> None:
        if not force and self._written is not None and self._clock() - self._written < self._interval:
            return
        try:
            self._write()
        except UserError:
            self._written = self._clock()  # a full disk must not end a training whose next checkpoint may still fit

    def _write(self) -> None:
        shown = self._tasks[-1] if self._tasks else self._last
        left = {"left": _left(self._tasks[0])} if self._tasks else {}
        write_status(self.path, self.state, self.config_hash, self.reason, **shown, **left)
        self._written = self._clock()


def _left(task: dict[str, Any]) -> int | None:
    """Seconds until all units of `task` are done at its rate so far, None where that is not known."""
    if not task["rate"] or task["total"] is None:
        return None
    seconds: float = (task["total"] - task["done"]) / task["rate"]
    return max(0, round(seconds))


class StatusProgress:
    """`hybridret.base.progress.Progress` that writes to a status file."""

    def __init__(self, status: StatusWriter) -> None:
        self._status = status

    @contextmanager
    def task(self, description: str, total: int | None) -> Iterator[Advance]:
        task = self._status.begin(description, total)

        def advance(count: int = 1, note: str = "") -> None:
            self._status.advance(task, count, note)

        try:
            yield advance
        finally:
            self._status.end(task)
