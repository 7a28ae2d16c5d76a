"""`OUTPUT/SWEEP/sweep.json`: the points of the last sweep command and the outcome of each."""

from __future__ import annotations

import os
import socket
import sys
from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from omegaconf import DictConfig

from hybridret.base.checksums import write_sealed
from hybridret.base.errors import UserError
from hybridret.base.interruption import command_line
from hybridret.base.processes import birth
from hybridret.config.run_identity import sweep_directory
from hybridret.sweep.point import Point

VERSION = 1  # of sweep.json


class Summary:
    """Writes the summary into the sweep folder of its points (several folders if `sweep` itself is swept)."""

    def __init__(self, config: DictConfig, points: Sequence[Point]) -> None:
        self._points = points
        self._default = sweep_directory(config)
        self._started = _now()
        self.command = command_line(sys.argv)
        pid = os.getpid()
        self._controller = {"pid": pid, "host": socket.gethostname(), "birth": birth(pid)}
        self._directory = Path.cwd()

    def write(self) -> None:
        """Raises UserError when a folder cannot be written."""
        folders: dict[Path, list[Point]] = {}
        for point in self._points:
            folder = point.run.path.parent if point.run is not None else self._default
            folders.setdefault(folder, []).append(point)
        for folder, points in folders.items():
            counts = Counter(str(point.state) for point in points)
            records = [point.record() for point in points]
            head = {"version": VERSION, "command": self.command, "started": self._started, "updated": _now()}
            head |= {"directory": str(self._directory), "folder": str(folder), "controller": self._controller}
            write_sealed(folder / "sweep.json", {**head, "counts": dict(sorted(counts.items())), "points": records})

    def write_if_possible(self) -> None:
        """The same while points run: a full disk must not end them. `write` reports it at the end."""
        try:
            self.write()
        except UserError:
            return


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
