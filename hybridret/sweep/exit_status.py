"""The outcome of the process of a point, from its exit code, its `status.json`, and the end of its output."""

from __future__ import annotations

import signal
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from hybridret.base.errors import BAD_INPUT, INTERRUPTED, REQUEUE, UserError
from hybridret.base.interruption import STOPPING
from hybridret.runs import State
from hybridret.runs.look import LOST
from hybridret.sweep.point import Point
from hybridret.sweep.rank_processes import Ending

_LONGEST_REASON = 600
_BEFORE_PYTHON = (*STOPPING, signal.SIGHUP)  # a stop that came before the process could handle it


def settle(point: Point, ending: Ending, stopping: bool) -> None:
    """Set the state and reason of `point` after its processes ended; complete a `status.json` that lacks them.

    `stopping`: the sweep itself had a signal to stop. Where another process works in the same directory, the point is
    running, and its status is left alone.
    """
    assert point.run is not None
    code = ending.code
    status = point.run.look()
    written, reason = status.get("state"), status.get("reason")
    reason = reason if isinstance(reason, str) else None
    if _has_result(point):  # whatever ended the process later
        point.end(State.FINISHED, None, code)
        return
    if written == State.RUNNING and status.get("pid") not in ending.pids:
        point.end(State.RUNNING, last_words(ending.log, ending.start) or "another process works on it", code)
        return
    if written == State.SKIPPED and code in (0, BAD_INPUT):
        point.end(State.SKIPPED, reason, code)
        return
    if code in (REQUEUE, INTERRUPTED):
        stated = reason if written == State.INTERRUPTED and reason != LOST else None
        point.end(State.INTERRUPTED, stated or "stopped by a signal after saving its state", code)
    elif code < 0:
        which = f"rank {ending.rank} was " if ending.processes > 1 else ""
        point.end(
            State.INTERRUPTED if stopping or -code in _BEFORE_PYTHON else State.FAILED, which + _killed(-code), code
        )
    elif code == 0:
        point.end(State.FAILED, "its process ended well but wrote no result.json", code)
    else:
        stated = reason if written == State.FAILED and ending.rank == 0 else None
        printed = last_words(ending.log, ending.start) or f"exit code {code}"
        point.end(State.FAILED, stated or (f"rank {ending.rank}: {printed}" if ending.rank else printed), code)
    if written != point.state or reason != point.reason:
        hashed = status.get("config_hash")
        with suppress(UserError):  # a full disk: sweep.json or the terminal still shows it
            point.run.write_status(point.state, hashed if isinstance(hashed, str) else point.config_hash, point.reason)


def look_again(points: Iterable[Point]) -> None:
    """Update the state of the points that other processes worked on when their turn came."""
    for point in points:
        if point.state is State.RUNNING and point.run is not None:
            seen = point.run.look()
            if (state := State(seen.get("state", State.RUNNING))) is not State.RUNNING:
                point.end(state, seen.get("reason"), point.exit_code)


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


def _has_result(point: Point) -> bool:
    assert point.run is not None
    try:
        result = point.run.read_result()
    except UserError:
        return False
    return result is not None and point.config_hash in (None, result.get("config_hash"))
