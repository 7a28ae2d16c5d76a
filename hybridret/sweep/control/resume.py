"""Run again what is open of a sweep, by the very command that made it."""

from __future__ import annotations

import os
import shlex
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from hybridret.base.markup import printable
from hybridret.runs.status import State
from hybridret.sweep.control.controllers import is_elsewhere, is_here
from hybridret.sweep.control.stored_command import StoredCommand, stored_command
from hybridret.sweep.engines.registry import engine
from hybridret.sweep.overview.columns import counts
from hybridret.sweep.overview.row import Row
from hybridret.sweep.overview.survey import Engines, Survey, survey

Say = Callable[[str], None]
Execute = Callable[[Sequence[str], Path, Mapping[str, str]], None]


def open_rows(found: Survey) -> list[Row]:
    """Runs that are neither done nor failed, and that no process and no job works on or waits for."""
    return [row for row in found.rows if row.state in (State.QUEUED, State.INTERRUPTED) and not row.live]


def become(line: Sequence[str], directory: Path, environment: Mapping[str, str]) -> None:
    """Be this command from now on: its signals, its output and its exit code are those of this process."""
    sys.stdout.flush()
    sys.stderr.flush()
    os.chdir(directory)
    os.execve(line[0], list(line), dict(environment))


def resume(folder: Path, say: Say, engines: Engines = engine, execute: Execute = become) -> None:
    """Run the command of the sweep `folder` again where something is open and no process of it works already. What is
    finished is not run again, and what runs or waits in a queue is left alone.

    Raises UserError where the folder is no sweep, or its command cannot be run again.
    """
    found = survey(folder, engines)
    command = stored_command(folder, found.sweep)
    if (busy := works_already(found)) is not None:
        say(f"{folder}: {busy}. Nothing is started.")
        return
    if not (rows := open_rows(found)):
        failed = found.totals.states.get(State.FAILED)
        hint = f" To try what failed: python -m hybridret.retry --failed {shlex.quote(str(folder))}" if failed else ""
        say(f"{folder}: nothing is open ({counts(found.totals)}).{hint}")
        return
    start(folder, command, rows, say, execute)


def works_already(found: Survey) -> str | None:
    """Which process runs the sweep now, in words; None where none does."""
    controller = found.sweep.controller
    if controller is None or not (is_here(controller) or is_elsewhere(controller, found.rows)):
        return None
    return f"process {controller.pid} on {controller.host} runs this sweep already"


def start(folder: Path, command: StoredCommand, rows: Sequence[Row], say: Say, execute: Execute) -> None:
    """Say what is run again, then run it."""
    say(f"{folder}: {len(rows)} open: {printable(', '.join(row.run for row in rows[:8]))}{', ...' * (len(rows) > 8)}")
    say(f"In {command.directory}: {printable(command.typed)}")
    environment = {**os.environ, "HYBRIDRET_COMMAND": command.typed}
    execute([sys.executable, "-m", "hybridret.run", *command.arguments], command.directory, environment)
