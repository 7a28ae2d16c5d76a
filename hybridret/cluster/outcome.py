"""What came of the process of a point: its exit code, its `status.json`, and the end of what it printed."""

from __future__ import annotations

import signal
from contextlib import suppress
from pathlib import Path

from hybridret.cluster.points import Point
from hybridret.errors import BAD_INPUT, INTERRUPTED, REQUEUE, UserError
from hybridret.runs import State

_LONGEST_REASON = 600


def settle(point: Point, code: int, log_start: int, stopping: bool, pid: int) -> None:
    """Set the state and reason of `point` after its process ended with `code`; mend a `status.json` that says less.

    `log_start` is where this attempt begins in the log, in bytes. `stopping`: the sweep itself was told to stop.
    `pid`: the process; the status of another one that works in the same directory is left alone.
    """
    assert point.run is not None
    status = _status(point)
    said, reason = status.get("state"), status.get("reason")
    reason = reason if isinstance(reason, str) else None
    if code == 0 and _has_result(point):
        point.end(State.FINISHED, None, code)
        return
    if said == State.SKIPPED and code in (0, BAD_INPUT):
        point.end(State.SKIPPED, reason, code)
        return
    if code in (REQUEUE, INTERRUPTED):
        point.end(State.INTERRUPTED, reason or "stopped by a signal after saving its state", code)
    elif code < 0:
        killed = _killed(-code)
        point.end(State.INTERRUPTED if stopping else State.FAILED, killed, code)
    elif code == 0:
        point.end(State.FAILED, "its process ended well but wrote no result.json", code)
    else:
        printed = last_words(point.run.log, log_start)
        point.end(State.FAILED, (reason if said == State.FAILED else None) or printed or f"exit code {code}", code)
    of_another = said == State.RUNNING and status.get("pid") != pid
    if not of_another and (said != point.state or reason != point.reason):
        hashed = status.get("config_hash")
        with suppress(UserError):  # a full disk: sweep.json or the terminal still tells
            point.run.write_status(point.state, hashed if isinstance(hashed, str) else point.config_hash, point.reason)


def last_words(log: Path, start: int) -> str:
    """The last paragraph of a log from byte `start`; of a traceback only the exception's line and what follows."""
    try:
        with open(log, "rb") as file:
            file.seek(start)
            text = file.read().decode("utf-8", errors="replace").rstrip()
    except OSError:
        return ""
    paragraph = text.rpartition("\n\n")[2]
    lines = paragraph.splitlines()
    if "Traceback (most recent call last)" in text:
        indented = [number for number, line in enumerate(lines) if line.startswith(" ")]
        lines = lines[indented[-1] + 1 :] if indented else lines
    elif (errors := [number for number, line in enumerate(lines) if line.startswith("Error: ")]) != []:
        lines = lines[errors[-1] :]
    words = " ".join(" ".join(lines).split()).removeprefix("Error: ")
    return words if len(words) <= _LONGEST_REASON else f"... {words[-_LONGEST_REASON:]}"


def _killed(number: int) -> str:
    try:
        name = signal.Signals(number).name
    except ValueError:
        name = "unknown"
    hint = " (out of memory?)" if number == signal.SIGKILL else f" ({name})"
    return f"killed by signal {number}{hint}"


def _status(point: Point) -> dict[str, object]:
    assert point.run is not None
    try:
        return point.run.read_status() or {}
    except UserError:
        return {}


def _has_result(point: Point) -> bool:
    assert point.run is not None
    try:
        result = point.run.read_result()
    except UserError:
        return False
    return result is not None and point.config_hash in (None, result.get("config_hash"))
