"""Try failed points again, also those that a limit holds back."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from hybridret.base.errors import DONE, UserError
from hybridret.base.markup import printable
from hybridret.runs.directory import RunDirectory
from hybridret.runs.job_record import FILE, read_job, write_job
from hybridret.runs.lock import InUse
from hybridret.runs.status import State, read_status, write_status
from hybridret.sweep.control.rerun import rerun
from hybridret.sweep.control.resume import Execute, open_rows, start, works_already
from hybridret.sweep.control.stored_command import stored_commands
from hybridret.sweep.engines.registry import engine
from hybridret.sweep.overview.row import Row
from hybridret.sweep.overview.survey import Engines, survey


def retry_failed(folder: Path, say: Callable[[str], None], engines: Engines = engine, execute: Execute = rerun) -> int:
    """Clear what holds the failed runs of `folder` back, then run the commands of the sweep again that have something
    to do. Returns the exit code.

    A run keeps its checkpoint and its curve, and goes on from there. Raises UserError as `resume`, before anything is
    cleared.
    """
    found = survey(folder, engines)
    failed = [row for row in found.rows if row.state == State.FAILED and not row.live]
    commands = stored_commands(folder, found.sweep, [row.run for row in (*open_rows(found), *failed)])
    if not failed:
        say(f"{folder}: no run has failed.")
        return DONE
    if (busy := works_already(found)) is not None:
        say(f"{folder}: {busy}. Nothing is started.")
        return DONE
    ready = [row for row in failed if _cleared(row, say)]
    return start(folder, commands, [*open_rows(found), *ready], say, execute) if ready else DONE


def _cleared(row: Row, say: Callable[[str], None]) -> bool:
    """Whether a failed run may start again now; it may not where another process has just begun to work in it."""
    if row.folder is None:
        return True  # it never got a directory, so nothing holds it back
    run = RunDirectory(row.folder)
    try:
        with run.lock():
            if run.result.is_file():
                return False
            _forget_attempts(run.path)
            status = _status(run)
            write_status(run.status, State.QUEUED, status.get("config_hash"))
    except InUse:
        say(f"{printable(row.run)}: another process works on it already.")
        return False
    return True


def _status(run: RunDirectory) -> dict[str, Any]:
    try:
        return read_status(run.status) or {}
    except UserError:
        return {}


def _forget_attempts(folder: Path) -> None:
    """A limit on starts counts the attempts of `job.json`; a damaged one counts nothing and is removed."""
    try:
        job = read_job(folder)
    except UserError:
        (folder / FILE).unlink(missing_ok=True)
        return
    if job is not None:
        write_job(folder, job.set_aside())
