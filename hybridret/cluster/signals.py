"""Stop at a safe point instead of in the middle: signals set a flag that long work asks.

Lightning turns a Ctrl-C during `fit` into exit code 1 and ignores SIGUSR1 unless it requeues itself; outside `fit` a
signal simply kills the process (traps 19). So the entry installs its own handlers before anything else. The first
signal only raises a flag; training asks for it after each step (`should_stop=stop`), other work at each advance of
its progress (`StoppingProgress(stop)`). A second Ctrl-C is a KeyboardInterrupt at once.

>>> with graceful_stop() as stop:
...     train(..., should_stop=stop)      # saves last.ckpt and returns when stop() is true
...     stop.check()                      # raises StopRequested
"""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from hybridret.errors import INTERRUPTED, REQUEUE
from hybridret.progress import Advance, Progress

#: Ctrl-C; the end of a machine's lease; SLURM's warning before a time limit (`--signal=B:USR1@120`).
STOPPING = (signal.SIGINT, signal.SIGTERM, signal.SIGUSR1)


class StopRequested(BaseException):
    """Work stopped at a safe point because of a signal.

    Not an `Exception`, so that no handler of errors swallows it, and not a `KeyboardInterrupt`, which a Trainer would
    turn into exit code 1.
    """

    def __init__(self, signal_number: int) -> None:
        super().__init__(f"stopped by {signal.Signals(signal_number).name}")
        self.signal_number = signal_number

    @property
    def exit_code(self) -> int:
        """130 after Ctrl-C, 75 ("please requeue") after a signal of the machine or the scheduler."""
        return exit_code(self.signal_number)


def exit_code(signal_number: int) -> int:
    """The exit code of a process that saved its state and left because of this signal."""
    return INTERRUPTED if signal_number == signal.SIGINT else REQUEUE


class Stop:
    """The flag. Calling it tells whether to stop: hand it over as `should_stop`."""

    def __init__(self) -> None:
        self.signal_number: int | None = None

    @property
    def requested(self) -> bool:
        return self.signal_number is not None

    def __call__(self) -> bool:
        return self.requested

    def check(self) -> None:
        """A safe point: raises StopRequested if a signal came."""
        if self.signal_number is not None:
            raise StopRequested(self.signal_number)

    def install(self) -> None:
        """Handle the `STOPPING` signals, in the main thread.

        Call it again when training starts: a Trainer puts a handler of its own on SIGTERM that raises an exit after
        the batch, state saved or not.
        """
        for number in STOPPING:
            signal.signal(number, self._handle)

    def _handle(self, signal_number: int, frame: FrameType | None) -> None:
        if self.requested and signal_number == signal.SIGINT:
            raise KeyboardInterrupt
        self.signal_number = self.signal_number or signal_number


@contextmanager
def graceful_stop() -> Iterator[Stop]:
    """Handle the `STOPPING` signals with a flag for the block; the earlier handlers return afterwards.

    Only in the main thread, as Python requires.
    """
    stop = Stop()
    earlier = {number: signal.getsignal(number) for number in STOPPING}
    stop.install()
    try:
        yield stop
    finally:
        for number, handler in earlier.items():
            signal.signal(number, signal.SIG_DFL if handler is None else handler)


class StoppingProgress:
    """Makes every advance of a progress a safe point: for work that has nothing of its own to save, like encoding."""

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
