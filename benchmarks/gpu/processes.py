"""Starts the process that measures, and another one where it has ended."""

from __future__ import annotations

import json
import os
import select
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import IO, Any

ROOT = Path(__file__).resolve().parent.parent.parent
STARTING = 120.0  # seconds until a process has imported torch and found the card


class Ended(Exception):
    """The process ended, or took too long and was ended."""


class Measuring:
    """A process of `gpu.worker`. `log`: where its libraries print. `command` is followed by device and pipe."""

    def __init__(self, device: str, log: Path, command: Sequence[str] = (sys.executable, "-m", "gpu.worker")) -> None:
        self._device, self.log, self._command = device, log, command
        self._process: subprocess.Popen[str] | None = None
        self._answers = -1
        self._read = b""
        self._machine: dict[str, Any] | None = None

    def start(self) -> None:
        """Start it, without waiting for it."""
        reading, writing = os.pipe()
        paths = [str(ROOT / "benchmarks"), str(ROOT), os.environ.get("PYTHONPATH", "")]
        variables = {**os.environ, "PYTHONPATH": os.pathsep.join(paths), "PYTHONUNBUFFERED": "1"}
        variables |= {"HF_HUB_OFFLINE": "1", "TOKENIZERS_PARALLELISM": variables.get("TOKENIZERS_PARALLELISM", "true")}
        output: IO[str]
        with open(self.log, "a", encoding="utf-8") as output:
            self._process = subprocess.Popen(
                [*self._command, self._device, str(writing)], stdin=subprocess.PIPE, stdout=output,
                stderr=output, text=True, pass_fds=[writing], env=variables, cwd=ROOT,
            )  # fmt: skip
        os.close(writing)
        self._answers, self._read, self._machine = reading, b"", None

    def machine(self) -> dict[str, Any]:
        """What it runs on. Raises Ended."""
        if self._process is None:
            self.start()
        if self._machine is None:
            self._machine = self._line(STARTING)
        return self._machine

    def measure(self, kind: str, options: dict[str, Any], alone: bool, limit: float, left: float) -> dict[str, Any]:
        """What a case found, or `failed` and why. It is ended after `limit` seconds, and after `left` seconds together
        with the start of its process.
        """
        begin = time.monotonic()
        try:
            self.machine()
            limit = min(limit, left - (time.monotonic() - begin))
            assert self._process is not None
            assert self._process.stdin is not None
            self._process.stdin.write(json.dumps({"kind": kind, "options": options, "alone": alone}) + "\n")
            self._process.stdin.flush()
            found = self._line(limit)
        except (Ended, BrokenPipeError) as error:
            self.stop()
            return {"failed": str(error)}
        if alone or found.pop("fatal", False):
            self.stop()
        return found

    def stop(self) -> None:
        """End the process, if there is one."""
        if self._process is None:
            return
        self._process.kill()
        self._process.wait()
        if self._process.stdin is not None:
            self._process.stdin.close()
        os.close(self._answers)
        self._process = None

    def _line(self, limit: float) -> dict[str, Any]:
        end = time.monotonic() + limit
        while b"\n" not in self._read:
            ready, _, _ = select.select([self._answers], [], [], max(0.0, end - time.monotonic()))
            if not ready:
                raise Ended(f"stopped after {max(0.0, limit):.0f} s")
            part = os.read(self._answers, 1 << 16)
            if not part:
                raise Ended(f"the process ended: {_last_words(self.log)}")
            self._read += part
        line, _, self._read = self._read.partition(b"\n")
        found: dict[str, Any] = json.loads(line)
        return found


def _last_words(log: Path) -> str:
    lines = [line for line in log.read_text("utf-8", errors="replace").splitlines() if line.strip()]
    return lines[-1][:300] if lines else "it wrote nothing"
