"""The processes on this machine that run a sweep or single runs of it."""

from __future__ import annotations

import socket
from collections.abc import Iterable

from hybridret.base.processes import alive, sweep_of
from hybridret.runs.status import State
from hybridret.sweep.overview.row import Row
from hybridret.sweep.overview.sweep_file import Controller


def is_here(controller: Controller | None) -> bool:
    """Whether the process that wrote `sweep.json` works on this machine now."""
    return (
        controller is not None and controller.host == socket.gethostname() and alive(controller.pid, controller.birth)
    )


def is_elsewhere(controller: Controller | None, rows: Iterable[Row]) -> bool:
    """Whether it seems to work on another machine: a run without a job runs there."""
    return (
        controller is not None
        and controller.host != socket.gethostname()
        and any(row.node == controller.host for row in local(rows))
    )


def local(rows: Iterable[Row]) -> list[Row]:
    """Runs that a process works on which is no job of an engine."""
    return [row for row in rows if row.state == State.RUNNING and row.job is None]


def processes(controller: Controller | None, rows: Iterable[Row]) -> list[int]:
    """The process ids on this machine that end the sweep when they get a signal: of sweeps, and of runs that no sweep
    started. Whether a run's process is alive is known from its lock, not from its id."""
    found = [controller.pid] if controller is not None and is_here(controller) else []
    found += [sweep_of(pid) or pid for pid in own_processes(rows)]
    return list(dict.fromkeys(sweep_of(pid) or pid for pid in found))


def own_processes(rows: Iterable[Row]) -> list[int]:
    """The process ids on this machine of the runs themselves."""
    here = [row.process for row in local(rows) if row.node == socket.gethostname()]
    return [pid for pid in here if pid is not None and alive(pid, None)]
