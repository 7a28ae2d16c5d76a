"""Run again what is open of a sweep, by the very commands that made it."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Sequence
from pathlib import Path

from hybridret.base.errors import DONE
from hybridret.base.markup import printable
from hybridret.base.processes import sweep_of
from hybridret.runs.status import State
from hybridret.sweep.control.controllers import is_elsewhere, is_here, own_processes
from hybridret.sweep.control.rerun import rerun
from hybridret.sweep.control.stored_command import StoredCommand, stored_commands
from hybridret.sweep.engines.registry import engine
from hybridret.sweep.overview.columns import counts
from hybridret.sweep.overview.row import Row
from hybridret.sweep.overview.survey import Engines, Survey, survey

Say = Callable[[str], None]
Execute = Callable[[Sequence[StoredCommand]], int]


def open_rows(found: Survey) -> list[Row]:
    """Runs that are neither done nor failed, and that no process and no job works on or waits for."""
    return [row for row in found.rows if row.state in (State.QUEUED, State.INTERRUPTED) and not row.live]


def resume(folder: Path, say: Say, engines: Engines = engine, execute: Execute = rerun) -> int:
    """Run the commands of the sweep `folder` again that have something open, unless a process of it works already. What
    is finished is not run again, and what runs or waits in a queue is left alone. Returns the exit code.

    Raises UserError where the folder is no sweep, or a command cannot be run again.
    """
    found = survey(folder, engines)
    rows = open_rows(found)
    commands = stored_commands(folder, found.sweep, [row.run for row in rows])
    if (busy := works_already(found)) is not None:
        say(f"{folder}: {busy}. Nothing is started.")
        return DONE
    if not rows:
        failed = found.totals.states.get(State.FAILED)
        hint = f" To try what failed: python -m hybridret.retry --failed {shlex.quote(str(folder))}" if failed else ""
        say(f"{folder}: nothing is open ({counts(found.totals)}).{hint}")
        return DONE
    return start(folder, commands, rows, say, execute)


def works_already(found: Survey) -> str | None:
    """Which process runs the sweep now, in words; None where none does."""
    controller = found.sweep.controller
    if controller is not None and (is_here(controller) or is_elsewhere(controller, found.rows)):
        return f"process {controller.pid} on {controller.host} runs this sweep already"
    for pid in own_processes(found.rows):  # of an earlier command, which a later one has outlived
        if (sweep := sweep_of(pid)) is not None:
            return f"process {sweep} on this machine runs this sweep already"
    return None


def start(folder: Path, commands: Sequence[StoredCommand], rows: Sequence[Row], say: Say, execute: Execute) -> int:
    """Say what is run again, by which commands, then run them; the exit code."""
    say(f"{folder}: {len(rows)} open: {printable(', '.join(row.run for row in rows[:8]))}{', ...' * (len(rows) > 8)}")
    for command in commands:
        say(f"In {command.directory}: {printable(command.typed)}")
    return execute(commands)
