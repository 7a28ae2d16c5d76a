"""The process of one point: a session of its own, its output in the run directory's log, its GPUs and threads."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from threading import Thread

from hybridret.cluster.points import Point
from hybridret.errors import UserError

_THREADS = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMEXPR_NUM_THREADS")


class PointProcess:
    """A running point. `on_end(self)` is called from another thread as soon as the process has ended."""

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
        start = ["-m", module]
        if len(self.gpus) > 1:  # Lightning's own start of further processes runs sys.argv again (traps 20)
            start = ["-m", "torch.distributed.run", "--standalone", f"--nproc-per-node={len(self.gpus)}", *start]
        try:
            point.run.path.mkdir(parents=True, exist_ok=True)
            with open(point.run.log, "ab") as log:
                self.log_start = log.tell()
                self._process = subprocess.Popen(
                    [sys.executable, *start, *point.arguments],
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=subprocess.STDOUT,
                    env=self._environment(threads),
                    start_new_session=True,  # the terminal's Ctrl-C reaches the sweep alone, which passes it on
                )
        except OSError as error:
            raise UserError(f"Cannot start a process in {point.run.path}: {error.strerror or error}.") from error
        Thread(target=self._wait, args=(on_end,), daemon=True).start()

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def code(self) -> int:
        """The exit code, once it has ended; negative: killed by that signal."""
        assert self._process.returncode is not None
        return self._process.returncode

    def send(self, signal_number: int) -> None:
        """Send a signal to the process; it passes it on to its own workers as it needs."""
        self._process.send_signal(signal_number)

    def kill(self) -> None:
        """End the process and whatever it started, at once."""
        with suppress(ProcessLookupError):  # it ended by itself just now
            os.killpg(self._process.pid, signal.SIGKILL)

    def _wait(self, on_end: Callable[[PointProcess], None]) -> None:
        self._process.wait()
        on_end(self)

    def _environment(self, threads: int | None) -> dict[str, str]:
        environment = {**os.environ, "PYTHONUNBUFFERED": "1"}
        if threads is not None:
            environment.update(dict.fromkeys(_THREADS, str(threads)))
        if self.gpus:
            environment["CUDA_VISIBLE_DEVICES"] = ",".join(self.gpus)
        return environment


def visible_gpus(devices: Path = Path("/dev")) -> list[str]:
    """The ids of the GPUs that may be used, without torch: `CUDA_VISIBLE_DEVICES`, else all of this machine."""
    named = os.environ.get("CUDA_VISIBLE_DEVICES")
    if named is not None:
        return [part.strip() for part in named.split(",") if part.strip() not in ("", "-1")]
    found = (re.fullmatch(r"nvidia(\d+)", path.name) for path in devices.glob("nvidia*"))
    return [str(index) for index in sorted(int(match[1]) for match in found if match)]
