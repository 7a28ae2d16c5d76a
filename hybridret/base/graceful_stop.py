"""Stop at a safe point instead of in the middle: signals set a flag that long work checks.

Lightning turns a Ctrl-C during `fit` into exit code 1 and ignores SIGUSR1 unless it requeues itself; outside `fit` a
signal simply kills the process (docs/pitfalls.md#signals). So work that has a state to save installs its own handlers.
The first signal only sets a flag; training checks it after each step (`should_stop=stop`), other work at each advance
of its progress (`StoppingProgress(stop)`). A second Ctrl-C is a KeyboardInterrupt at once.

>>> with graceful_stop() as stop:
...     train(..., should_stop=stop)      # saves last.ckpt and returns when stop() is true
...     stop.check()                      # raises StopRequested
"""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager

from hybridret.base.interruption import STOPPING, Stop, StopRequested, current, exit_code, stopping
from hybridret.base.progress import Advance, Progress

__all__ = ["STOPPING", "Stop", "StopRequested", "StoppingProgress", "exit_code", "graceful_stop", "stopping"]


@contextmanager
def graceful_stop() -> Iterator[Stop]:
    """In the block, signals only set a flag. Raises StopRequested where an earlier signal was swallowed.

    Afterwards the earlier handlers are restored, except in a command: its work is then done or saved, and a late signal
    must not change the exit code. For the main thread only, as Python requires.
    """
    entry = current()
    stop = entry or Stop()
    earlier = {number: signal.getsignal(number) for number in stopping()}
    stop.install()
    try:
        stop.check()
        yield stop
    finally:
        for number, handler in earlier.items() if entry is None else ():
            signal.signal(number, signal.SIG_DFL if handler is None else handler)


class StoppingProgress:
    """Makes every advance of a progress a safe point: for work that has no state to save, such as encoding."""

    def __init__(self, stop: Stop, progress: Progress) -> None:
        self._stop = stop
        self._progress = progress

    @contextmanager
    def task(self, description: str, total: int | None) -> Iterator[Advance]:
        self._stop.check()
        with self._progress.task(description, total) as inner:

            def advance(count: int = 1, note: str = "") -> None:
                inner(count, note)
                self._stop.check()

            yield advance
