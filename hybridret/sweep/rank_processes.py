"""The processes of one point: one, or several that train together and end together.

torchrun could start them too. But after a signal of the sweep it kills its workers after 30 seconds and ends with a
traceback and code 1, and SIGUSR1 kills only torchrun itself. Here every process gets the signal, the first that ends
badly determines the outcome of the point, and the others, which can only wait for it, are ended.
"""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from pathlib import Path
from threading import Event, Lock, Thread

from hybridret.base.errors import INTERRUPTED, REQUEUE
from hybridret.base.interruption import PARENT
from hybridret.distributed.free_port import free_port

SAVING = 120.0  # seconds that the others have after one saved its state and left
LEAVING = 15.0  # and after one failed: to notice it and to close their files


@dataclass(frozen=True)
class Ending:
    """How a point's processes ended: the exit code (negative: killed by that signal) of the first that ended badly, 0
    if none did; its output, which is in `log` from byte `start` on; the ids of all."""

    rank: int
    processes: int
    code: int
    log: Path
    start: int
    pids: tuple[int, ...]


class RankProcesses:
    """Starts `command` once for each log. `on_end()` is called from another thread when all have ended.

    Raises OSError where a log cannot be written or no process be started.
    """

    def __init__(
        self, command: Sequence[str], logs: Sequence[Path], environment: Mapping[str, str], on_end: Callable[[], None]
    ) -> None:
        self._logs, self._starts = logs, [0] * len(logs)
        self._processes: list[subprocess.Popen[bytes]] = []
        self._first: int | None = None  # the rank that ended badly first
        self._bad, self._over, self._lock = Event(), Event(), Lock()
        addresses = _addresses(len(logs))
        with ExitStack() as undo:
            undo.callback(self.kill)
            for rank, log in enumerate(logs):
                with open(log, "ab") as file:
                    self._starts[rank] = file.tell()
                    self._processes.append(
                        subprocess.Popen(
                            command,
                            stdin=subprocess.DEVNULL,
                            stdout=file,
                            stderr=subprocess.STDOUT,
                            env={**environment, **addresses[rank], PARENT: str(os.getpid())},
                            start_new_session=True,  # the terminal's Ctrl-C reaches the sweep alone, which passes it on
                        )
                    )
            undo.pop_all()
        waiting = [Thread(target=self._wait, args=(rank,), daemon=True) for rank in range(len(logs))]
        for thread in waiting:
            thread.start()
        Thread(target=self._see_to_the_end, args=(waiting, on_end), daemon=True).start()

    def send(self, signal_number: int) -> None:
        """Send a signal to each process, which passes it on to its own workers where needed."""
        for process in self._processes:
            process.send_signal(signal_number)

    def kill(self) -> None:
        """End all processes and whatever they started, at once."""
        for process in self._processes:
            with suppress(ProcessLookupError):  # it ended by itself just now
                os.killpg(process.pid, signal.SIGKILL)

    def ending(self) -> Ending:
        """Their outcome, once all have ended."""
        rank = self._first or 0
        code = self._processes[rank].returncode
        assert code is not None
        pids = tuple(process.pid for process in self._processes)
        return Ending(rank, len(pids), code, self._logs[rank], self._starts[rank], pids)

    def _wait(self, rank: int) -> None:
        if self._processes[rank].wait() != 0:
            with self._lock:
                self._first = rank if self._first is None else self._first
            self._bad.set()

    def _see_to_the_end(self, waiting: Sequence[Thread], on_end: Callable[[], None]) -> None:
        if len(waiting) > 1:
            Thread(target=self._end_the_others, daemon=True).start()
        for thread in waiting:
            thread.join()
        self._over.set()
        self._bad.set()
        on_end()

    def _end_the_others(self) -> None:
        self._bad.wait()
        if self._first is None:
            return
        self.send(signal.SIGTERM)  # a process that still waits for others to join ends now
        saved = self._processes[self._first].returncode in (REQUEUE, INTERRUPTED)
        if not self._over.wait(SAVING if saved else LEAVING):
            self.kill()


def _addresses(processes: int) -> list[dict[str, str]]:
    """The variables that torchrun would set for each process; none where there is one."""
    if processes == 1:
        return [{}]
    port = free_port()  # the first process serves it
    common = {"WORLD_SIZE": str(processes), "LOCAL_WORLD_SIZE": str(processes), "GROUP_RANK": "0"}
    common |= {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port)}
    return [{**common, "RANK": str(rank), "LOCAL_RANK": str(rank)} for rank in range(processes)]
