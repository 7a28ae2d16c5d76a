"""Run the open points of a sweep, `jobs` at once, each in its process, until all have ended or a signal stops them."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from queue import Empty, SimpleQueue
from types import FrameType

from hybridret.base.errors import UserError
from hybridret.base.graceful_stop import Stop, stopping
from hybridret.base.machine import cores
from hybridret.runs import State
from hybridret.sweep.display import Display
from hybridret.sweep.exit_status import settle
from hybridret.sweep.point import Point
from hybridret.sweep.point_process import PointProcess

_REFRESH = 0.5  # seconds between two looks at the status files


class PointRunner:
    """Starts points in order as processes and GPUs become free.

    A signal is passed on to the running points, which save their state and leave; nothing new is started. A second
    Ctrl-C, or `grace` seconds, end them at once.
    """

    def __init__(self, jobs: int, module: str, threads: int | None, gpus: Sequence[str], grace: float) -> None:
        self._jobs = jobs
        self._module = module
        self._threads = threads if threads is not None else _share(jobs)
        self._free = list(gpus)
        self._gpus = len(self._free)
        self._grace = grace
        self._running: list[PointProcess] = []
        self._events: SimpleQueue[PointProcess | int] = SimpleQueue()  # its put is reentrant: safe in a handler
        self._stop_signal: int | None = None
        self._deadline: float | None = None

    def run(self, points: Sequence[Point], display: Display, changed: Callable[[], None], stop: Stop) -> int | None:
        """Run `points`; call `changed` after each change of state. Returns the signal that stopped it, or None.

        `stop`: the object that handled the signals until now.
        """
        waiting = list(points)
        changed()  # before any point starts
        with self._handlers():
            self._stop_signal = stop.signal_number
            while waiting or self._running:
                started = self._stop_signal is None and self._start_what_fits(waiting, display)
                if not self._running:
                    break
                ended = self._next_event(display)
                if started or ended:
                    changed()
        changed()
        return self._stop_signal

    def _start_what_fits(self, waiting: list[Point], display: Display) -> bool:
        """Start points while they fit; returns whether one was started."""
        before = len(waiting)
        while waiting and len(self._running) < self._jobs:
            point = waiting[0]
            needed = min(point.gpus, self._gpus)  # on a machine with too few, the point itself reports it
            if needed > len(self._free):
                break
            waiting.pop(0)
            if point.run is not None and (owner := point.run.in_use()) is not None:  # its log belongs to the owner, too
                point.end(State.RUNNING, owner)
                display.ended(point)
                continue
            gpus, self._free = self._free[:needed], self._free[needed:]
            point.begin()
            try:
                self._running.append(PointProcess(point, self._module, self._threads, gpus, self._events.put))
            except UserError as error:
                self._free += gpus
                point.end(State.FAILED, str(error))
                display.ended(point)
                continue
            display.started(point)
        return len(waiting) < before

    def _next_event(self, display: Display) -> bool:
        """Wait for an event; returns whether a point ended."""
        try:
            event = self._events.get(timeout=_REFRESH)
        except Empty:
            display.refresh(process.point for process in self._running)
            if self._deadline is not None and time.monotonic() > self._deadline:
                self._kill()
            return False
        if isinstance(event, PointProcess):
            self._running.remove(event)
            self._free += event.gpus
            settle(event.point, event.ending(), self._stop_signal is not None)
            display.ended(event.point)
            return True
        self._pass_on(event, display)
        return False

    def _pass_on(self, signal_number: int, display: Display) -> None:
        if self._stop_signal is not None:
            if signal_number == signal.SIGINT:
                display.show_line("Stopping at once.")
                self._kill()
            return
        self._stop_signal = signal_number
        self._deadline = time.monotonic() + self._grace
        display.show_line(
            f"Stopping: {len(self._running)} running points save their state. Ctrl-C again stops at once."
        )
        for process in self._running:
            process.send(signal.SIGTERM if signal_number == signal.SIGHUP else signal_number)

    def _kill(self) -> None:
        self._deadline = None
        for process in self._running:
            process.kill()

    @contextmanager
    def _handlers(self) -> Iterator[None]:
        """Signals become events of the loop, so that none comes between the start of a point and its registration."""

        def handle(signal_number: int, frame: FrameType | None) -> None:
            self._events.put(signal_number)

        numbers = stopping()
        earlier = {number: signal.getsignal(number) for number in numbers}
        for number in numbers:
            signal.signal(number, handle)
        try:
            yield
        finally:
            for process in self._running:  # only after an error in the loop itself
                process.kill()
            for number, handler in earlier.items():
                signal.signal(number, signal.SIG_DFL if handler is None else handler)


def _share(jobs: int) -> int | None:
    """Threads per point where the user named none: an equal share of the cores when several points run at once."""
    if jobs == 1 or "OMP_NUM_THREADS" in os.environ:
        return None
    return max(1, cores() // jobs)
