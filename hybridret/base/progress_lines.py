"""Progress without a terminal: a line in the log at regular intervals, also while one step takes long."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import TextIO

from hybridret.base.heartbeat import Pulse
from hybridret.base.markup import printable
from hybridret.base.progress import Advance

INTERVAL = 25.0  # seconds; a line is due every 30, and a thread on a busy machine may be late


@dataclass
class Task:
    """The progress of one task; `base` is the time and the count of its first advance, after any start-up."""

    description: str
    total: int | None
    started: float
    done: int = 0
    note: str = ""
    base: tuple[float, int] | None = None
    printed: bool = False

    def words(self, now: float) -> str:
        """The description, the units done, the rate, the time left."""
        spent = now - self.started
        if self.total is None:
            parts = [f"{self.done:,} done"] if self.done else []
            return f"{self.description}: {', '.join([*parts, *self._rate(now), f'{lasting(spent)} so far'])}"
        share = f" ({self.done / self.total:.0%})" if self.total else ""
        parts = [f"{self.done:,} of {self.total:,}{share}", *self._rate(now)]
        if (speed := self._speed(now)) and self.done < self.total:
            parts.append(f"{lasting((self.total - self.done) / speed)} left")
        else:
            parts.append(f"{lasting(spent)} so far")
        return f"{self.description}: {', '.join([*parts, *([self.note] if self.note else [])])}"

    def _rate(self, now: float) -> list[str]:
        speed = self._speed(now)
        return [] if speed is None else [f"{speed:,.0f}/s" if speed >= 100 else f"{speed:.3g}/s"]

    def _speed(self, now: float) -> float | None:
        """Units a second since the first advance, which may also count what an earlier process did; None: unknown."""
        if self.base is None or self.done <= self.base[1] or now <= self.base[0]:
            return None
        return (self.done - self.base[1]) / (now - self.base[0])


class Lines:
    """Writes a line about the innermost task every `interval` seconds, by default to the current `sys.stderr`.

    >>> with Lines().task("encode passages", 5183) as advance:
    ...     advance(64)     # encode passages: 1,280 of 5,183 (25%), 7.11/s, 9 min left
    """

    def __init__(
        self,
        stream: TextIO | None = None,
        interval: float | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._stream, self._clock = stream, clock
        self._tasks: list[Task] = []
        self._last: Task | None = None  # ended since the last line
        self._interval = INTERVAL if interval is None else interval
        self._written = clock()
        self._pulse = Pulse(self.beat, max(self._interval, 0.001))

    @contextmanager
    def task(self, description: str, total: int | None) -> Iterator[Advance]:
        task = Task(description, total, self._clock())

        def advance(count: int = 1, note: str = "") -> None:
            task.done += count
            task.note = note or task.note
            if task.base is None:
                task.base = (self._clock(), task.done)
            if self._clock() - self._written >= self._interval:
                self.beat()

        self._tasks.append(task)
        self._pulse.start()
        try:
            yield advance
            if task.printed:
                self._write(f"{description}: done in {lasting(self._clock() - task.started)}")
        finally:
            self._tasks = [other for other in self._tasks if other is not task]
            self._last = task

    def beat(self) -> None:
        """Write the line that is due, unless nothing was done since the last one."""
        tasks = self._tasks
        task = tasks[-1] if tasks else self._last
        self._last, self._written = None, self._clock()
        if task is not None:
            task.printed = True
            self._write(task.words(self._clock()))

    def _write(self, line: str) -> None:
        stream = self._stream or sys.stderr
        with suppress(OSError, ValueError, AttributeError):  # stream full, closed or None: no reason to end the work
            stream.write(f"{printable(line)}\n")
            stream.flush()


def lasting(seconds: float) -> str:
    """A duration in words.

    >>> lasting(8.2), lasting(200), lasting(9000)
    ('8 s', '3 min', '2.5 h')
    """
    if seconds < 100:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 6000 else f"{seconds / 3600:.1f} h"
