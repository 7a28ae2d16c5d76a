"""A sweep as processes: started, found in /proc, and sent a signal."""

from __future__ import annotations

import os
import random
import select
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
LIMIT = 600.0  # seconds for one sweep


class Sweep:
    """`python -m hybridret.run -m ARGUMENTS` in `folder`, in a session of its own."""

    def __init__(self, folder: Path, arguments: Sequence[str]) -> None:
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        self._log = folder / "errors.txt"
        path = os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")])
        environment = {**os.environ, "PYTHONPATH": path, "OMP_NUM_THREADS": "1"}
        self._watched: list[int] = []
        self._earlier = {log: log.stat().st_size for log in self._logs()}
        with open(self._log, "wb") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "hybridret.run", "-m", *arguments],
                cwd=folder,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=log,
                start_new_session=True,
            )

    def wait(self) -> int:
        """The exit code."""
        return self.process.wait(LIMIT)

    def errors(self) -> str:
        """What it and its points said since it was started."""
        said = [log.read_bytes()[self._earlier.get(log, 0) :] for log in self._logs()]
        return self._log.read_text(errors="replace") + b"".join(said).decode(errors="replace")

    def _logs(self) -> list[Path]:
        return sorted(self.folder.glob("out/s/*/log.txt"))

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
        """The processes of its points."""
        with suppress(OSError):
            text = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text()
            return [int(child) for child in text.split()]
        return []


def deliver(sweep: Sweep, number: signal.Signals, target: str, draw: random.Random) -> bool:
    """Send the signal; whether one was sent. A process gets it from the first line of the package's Python on."""
    parent = sweep.process.pid
    while target == "child" and not sweep.points():
        if sweep.process.poll() is not None:
            return False
        time.sleep(0.002)
    sweep.watch()
    points = sweep.points()
    if target == "child":
        chosen = [draw.choice(points)] if points else []
    else:
        chosen = [parent, *points] if target == "group" else [parent]
    sent = False
    for pid in chosen:
        if number != signal.SIGKILL:
            while _is_alive(pid) and not _handles(pid):
                time.sleep(0.001)
        if _is_alive(pid):
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


def _is_alive(pid: int) -> bool:
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
