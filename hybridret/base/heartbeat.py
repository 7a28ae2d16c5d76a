"""A heartbeat at regular intervals, also while one step of the work takes long."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable
from weakref import WeakMethod

Beat = Callable[[], None]


class Pulse:
    """After `start`, calls the method `beat` every `interval` seconds from a daemon thread, while its object exists."""

    def __init__(self, beat: Beat, interval: float) -> None:
        self._beat = WeakMethod(beat)
        self._interval = interval
        self._started = False

    def start(self) -> None:
        """Begin to beat; more calls change nothing."""
        if not self._started:
            self._started = True
            threading.Thread(target=_run, args=(self._beat, self._interval), name="pulse", daemon=True).start()


def _run(reference: WeakMethod[Beat], interval: float) -> None:
    signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())  # for the main thread, which may be waiting
    pause = threading.Event()
    while True:
        pause.wait(interval)
        beat = reference()
        if beat is None:
            return
        beat()
        del beat
