"""A sweep as processes: started, found in /proc, and sent a signal."""

from __future__ import annotations

import os
import random
import select
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
LIMIT = 1800.0  # seconds for one sweep on a machine that has much else to do


class Sweep:
    """`python -m hybridret.WORDS` in `folder`, in a session of its own."""

    def __init__(self, folder: Path, words: Sequence[str], more: Mapping[str, str] | None = None) -> None:
        self.folder, self.words = folder, tuple(words)
        folder.mkdir(parents=True, exist_ok=True)
        self._errors = folder / "errors.txt"
        path = os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")])
        self._watched: list[int] = []
        self._earlier = {log: log.stat().st_size for log in self._logs()}
        with open(self._errors, "wb") as errors:
            self.process = subprocess.Popen(
                [sys.executable, "-m", f"hybridret.{words[0]}", *words[1:]],
                cwd=folder,
                env={**os.environ, "PYTHONPATH": path, "OMP_NUM_THREADS": "1", **(more or {})},
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=errors,
                start_new_session=True,
            )

    def wait(self) -> int:
        """The exit code."""
        return self.process.wait(LIMIT)

    def errors(self) -> str:
        """What it and its points printed since it was started."""
        printed = [log.read_bytes()[self._earlier.get(log, 0) :] for log in self._logs()]
        return self._errors.read_text(errors="replace") + b"".join(printed).decode(errors="replace")

    def _logs(self) -> list[Path]:
        return sorted(self.folder.glob("out/s/*/log*.txt"))

    def watch(self) -> None:
        """Remember the points that run now."""
        for pid in self.points():
            with suppress(OSError):
                self._watched.append(os.pidfd_open(pid))

    def dying(self) -> bool:
        """Whether one of them has a thread left: /proc says less as soon as the first thread is gone."""
        ended = select.select(self._watched, [], [], 0)[0]
        for handle in ended:
            self._watched.remove(handle)
            os.close(handle)
        return bool(self._watched)

    def points(self) -> list[int]:
        """The processes of its points, all ranks."""
        with suppress(OSError):
            text = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text()
            return [int(child) for child in text.split()]
        return []


def deliver(sweep: Sweep, number: signal.Signals, target: str, draw: random.Random) -> bool:
    """Send the signal to a `point` (one rank of it), the `controller`, or the whole `group`; whether one was sent.

    A process gets it from the first line of the package's Python on.
    """
    controller = sweep.process.pid
    while target == "point" and not sweep.points():
        if sweep.process.poll() is not None:
            return False
        time.sleep(0.01)
    sweep.watch()
    points = sweep.points()
    if target == "point":
        chosen = [draw.choice(points)] if points else []
    else:
        chosen = [controller, *points] if target == "group" else [controller]
    sent = False
    for pid in chosen:
        if number != signal.SIGKILL:
            while is_alive(pid) and not _handles(pid):
                time.sleep(0.001)
        if is_alive(pid):
            with suppress(ProcessLookupError):
                os.kill(pid, number)
                sent = True
    return sent


def alive_in(folder: Path) -> list[int]:
    """The processes that work in `folder`."""
    found = []
    for entry in Path("/proc").iterdir():
        with suppress(OSError):
            if entry.name.isdecimal() and Path(os.readlink(entry / "cwd")) == folder.resolve():
                found.append(int(entry.name))
    return found


def is_alive(pid: int) -> bool:
    """Whether a process works: one that ended and was not waited for does not."""
    with suppress(OSError):
        return "State:\tZ" not in Path(f"/proc/{pid}/status").read_text()
    return False


def _handles(pid: int) -> bool:
    """Whether SIGTERM would not simply kill it: it is caught, or ignored on the way out."""
    with suppress(OSError):
        fields = dict(line.split(":", 1) for line in Path(f"/proc/{pid}/status").read_text().splitlines())
        masks = int(fields["SigCgt"], 16) | int(fields["SigIgn"], 16)
        return bool(masks >> (signal.SIGTERM - 1) & 1)
    return False
