"""Follow the jobs of a sweep until the last has ended (`hydra.launcher.wait=true`)."""

from __future__ import annotations

import signal
import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress

from hybridret.base.errors import UserError
from hybridret.base.graceful_stop import exit_code
from hybridret.base.interruption import Stop
from hybridret.runs import State
from hybridret.runs.job_record import read_job
from hybridret.runs.look import correct
from hybridret.sweep.display import Display, print_summary
from hybridret.sweep.engines.engine import Engine, JobLook, JobState
from hybridret.sweep.overview.reconcile import reconcile
from hybridret.sweep.point import OPEN, Point, stopped_exit_code
from hybridret.sweep.sweep_record import Summary

LISTEN = 0.2  # seconds between two looks for a signal


def follow(points: Sequence[Point], engine: Engine, every: float, stop: Stop, summary: Summary) -> None:
    """Show the points until all have ended, with their states and reasons at the end. Jobs go on after Ctrl-C.

    Raises SystemExit (130 or 75) after a signal.
    """
    display = Display(len(points), sys.stderr)
    begun: set[int] = set()
    silent = False
    with display:
        while not stop():
            waiting = [point for point in points if point.job is not None and point.state in OPEN]
            if not waiting:
                break
            try:
                looks = engine.look(sorted({point.job for point in waiting if point.job is not None}))
                silent = False
            except UserError as error:  # a controller that is restarted: jobs go on meanwhile
                if not silent:
                    display.show_line(f"{error} Looking again.")
                silent, looks = True, {}
            if update(waiting, looks, begun, display):
                summary.write_if_possible()
                write_pages(points, engine)
            display.refresh(point for point in waiting if point.state is State.RUNNING and point.number in begun)
            listen(every, stop)
    print_summary(points, sys.stdout)
    summary.write()
    write_pages(points, engine)
    if stop.signal_number is not None:
        display.show_line("Stopped looking; the jobs go on. To look again, run the same command.")
        raise SystemExit(stopped_exit_code(points, exit_code(signal.Signals(stop.signal_number))))


def write_pages(points: Sequence[Point], engine: Engine) -> None:
    """Write `status.html` of each sweep that `points` belong to. A page that cannot be written ends nothing."""
    from hybridret.sweep.overview.page import write_status_page

    for folder in sorted({point.run.path.parent for point in points if point.run is not None}):
        with suppress(UserError):
            write_status_page(folder, lambda _: engine)


def update(points: Sequence[Point], looks: Mapping[str, JobLook], begun: set[int], display: Display) -> bool:
    """Set the states of open points; whether one changed."""
    changed = False
    for point in points:
        look = looks.get(point.job or "")
        if look is None:
            continue
        before = point.state
        if look.state is JobState.RUNNING:
            if point.number not in begun:
                point.begin()
                begun.add(point.number)
                display.started(point)
            point.state, point.reason = State.RUNNING, None
        elif look.state is JobState.PENDING:
            point.state, point.reason = State.QUEUED, look.reason or None
        else:
            end(point, look)
            display.ended(point)
        changed = changed or point.state is not before
    return changed


def end(point: Point, look: JobLook) -> None:
    """The outcome of a point whose job has ended, as `status` sees it: what its run directory holds decides, and the
    engine where its process could not write how it ended."""
    assert point.run is not None
    status = point.run.look()
    job = None
    with suppress(UserError):
        job = read_job(point.run.path)
    truth = reconcile(status, job, look)
    if truth.state == State.RUNNING:
        point.end(State.RUNNING, "another process works on it")
        return
    if truth.by_engine or (status.get("state", State.QUEUED) == State.QUEUED and truth.state != State.QUEUED):
        correct(point.run.path, truth.state, truth.reason, status.get("heartbeat"))
    point.end(State(truth.state), truth.reason or None)


def listen(seconds: float, stop: Stop) -> None:
    """Wait, but not longer than until a signal."""
    end_of_wait = time.monotonic() + seconds
    while not stop() and (left := end_of_wait - time.monotonic()) > 0:
        time.sleep(min(LISTEN, left))
