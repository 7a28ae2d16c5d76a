"""Stop a sweep: its processes on this machine, by a signal, and its jobs, by their engine."""

from __future__ import annotations

import os
import signal
import socket
from collections.abc import Callable, Iterable
from pathlib import Path

from hybridret.base.errors import DONE, POINT_FAILED, UserError
from hybridret.base.markup import printable
from hybridret.reporting.points import is_run
from hybridret.runs.look import correct
from hybridret.runs.status import State
from hybridret.sweep.control.controllers import local, own_processes, processes
from hybridret.sweep.engines.registry import engine
from hybridret.sweep.overview.row import Row
from hybridret.sweep.overview.survey import Engines, survey

Signal = Callable[[int, int], None]


def cancel(folder: Path, say: Callable[[str], None], engines: Engines = engine, send: Signal = os.kill) -> int:
    """Stop whatever works on `folder`, a sweep or one run of it; the exit code, 1 where something goes on.

    Processes get SIGTERM: they save their state and leave. They come first, so that none submits what was cancelled.
    Raises UserError where the folder is neither a sweep nor a run.
    """
    found = survey(folder, engines)
    left, code = list(found.faults), DONE
    stopped = own_processes(found.rows) if is_run(folder) else processes(found.sweep.controller, found.rows)
    for pid in stopped:
        try:
            send(pid, signal.SIGTERM)
            say(f"{folder}: process {pid} was asked to stop (SIGTERM); its runs save their state.")
        except ProcessLookupError:
            say(f"{folder}: process {pid} has ended by itself.")
        except PermissionError:
            left.append(f"process {pid} belongs to somebody else")
    for row in local(found.rows):
        if row.node != socket.gethostname():
            left.append(f"{row.run} runs on {row.node} as process {row.process}: give this command there")
    jobs: dict[str, list[str]] = {}
    for row in found.rows:
        if row.live and row.job is not None and row.state != State.FINISHED:
            if row.engine is None:
                left.append(f"{row.run} belongs to job {row.job}, which holds more than this run: cancel it by hand")
            else:
                jobs.setdefault(row.engine, []).append(row.job)
        if row.engine is not None and row.other_job is not None:
            jobs.setdefault(row.engine, []).append(row.other_job)
    for name, own in sorted(jobs.items()):
        try:
            engines(name).cancel(own)
            say(f"{folder}: cancelled {len(own)} job{'s' * (len(own) > 1)} of {name}: {', '.join(own)}")
            _note(row for row in found.rows if row.engine == name and row.job in own)
        except UserError as error:
            left.append(f"jobs of {name} go on ({', '.join(own)}): {error}")
    for one in left:
        code = POINT_FAILED
        say(f"{folder}: {printable(one)}")
    if not (stopped or jobs or left):
        say(f"{folder}: nothing runs and nothing waits.")
    return code


def _note(rows: Iterable[Row]) -> None:
    """Write that runs which waited are cancelled: no process of theirs ever begins that could. One that began in this
    moment holds its lock, and writes its own end."""
    for row in rows:
        if row.state == State.QUEUED and row.folder is not None:
            correct(row.folder, State.INTERRUPTED, "its job was cancelled while it waited", row.heartbeat)
