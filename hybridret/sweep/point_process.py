"""The process of one point, or its processes: their output in the run directory's logs, their GPUs and threads."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Sequence

from hybridret.base.errors import UserError
from hybridret.base.interruption import command_line
from hybridret.base.machine import cores
from hybridret.sweep.point import Point
from hybridret.sweep.rank_processes import Ending, RankProcesses

_THREADS = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMEXPR_NUM_THREADS")


class PointProcess:
    """A running point. `on_end(self)` is called from another thread as soon as its processes have ended.

    A point of several devices has one process for each: Lightning would start them by running the sweep's own command
    again (docs/pitfalls.md#started-processes). The first prints into `log.txt`, the others into `log-rank-K.txt`.
    """

    def __init__(
        self,
        point: Point,
        module: str,
        threads: int | None,
        gpus: Sequence[str],
        on_end: Callable[[PointProcess], None],
    ) -> None:
        assert point.run is not None
        self.point = point
        self.gpus = tuple(gpus)
        log = point.run.log
        logs = [log, *(log.with_name(f"log-rank-{rank}.txt") for rank in range(1, point.processes))]
        command = [sys.executable, "-m", module, *point.arguments]
        try:
            point.run.path.mkdir(parents=True, exist_ok=True)
            self._processes = RankProcesses(command, logs, self._environment(threads), lambda: on_end(self))
        except OSError as error:
            raise UserError(f"Cannot start a process in {point.run.path}: {error.strerror or error}.") from error

    def ending(self) -> Ending:
        """Its outcome, once it has ended."""
        return self._processes.ending()

    def send(self, signal_number: int) -> None:
        """Send a signal to the point."""
        self._processes.send(signal_number)

    def kill(self) -> None:
        """End the point and whatever it started, at once."""
        self._processes.kill()

    def _environment(self, threads: int | None) -> dict[str, str]:
        environment = {**os.environ, "PYTHONUNBUFFERED": "1", "HYBRIDRET_COMMAND": command_line(sys.argv)}
        processes = self.point.processes
        if threads is None and processes > 1 and "OMP_NUM_THREADS" not in os.environ:
            threads = cores()
        if threads is not None:
            environment.update(dict.fromkeys(_THREADS, str(max(1, threads // processes))))
        if self.gpus:
            environment["CUDA_VISIBLE_DEVICES"] = ",".join(self.gpus)
        return environment
