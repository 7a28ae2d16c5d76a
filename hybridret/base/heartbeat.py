"""A beat at even times beside work that may take long over one step."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable
from weakref import WeakMethod

Beat = Callable[[], None]


class Pulse:
    """Calls the method `beat` every `interval` seconds from a daemon thread, once started, while its object lives."""

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
    signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())  # they are for the main thread, which may wait
    pause = threading.Event()
    while True:
        pause.wait(interval)
        beat = reference()
        if beat is None:
            return
        beat()
        del beat
