"""`OUTPUT/SWEEP/sweep.json`: the points of the last sweep command and the outcome of each, and of earlier commands."""

from __future__ import annotations

import os
import socket
import sys
from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from omegaconf import DictConfig

from hybridret.base.checksums import read_sealed, write_sealed
from hybridret.base.errors import UserError
from hybridret.base.interruption import command_line
from hybridret.base.processes import birth
from hybridret.config.run_identity import sweep_directory
from hybridret.sweep.overview.fields import number
from hybridret.sweep.overview.sweep_file import readable_sweep
from hybridret.sweep.point import Point

VERSION = 1  # of sweep.json
_OF_A_COMMAND = ("command", "started", "updated", "directory", "folder")


class Summary:
    """Writes the summary into the sweep folder of its points (several folders if `sweep` itself is swept).

    `points` may grow. The seconds of a point are those of all commands that ran it.
    """

    def __init__(self, config: DictConfig, points: Sequence[Point]) -> None:
        self._points = points
        self._default = sweep_directory(config)
        self._started = _now()
        self.command = command_line(sys.argv)
        pid = os.getpid()
        self._controller = {"pid": pid, "host": socket.gethostname(), "birth": birth(pid)}
        self._directory = Path.cwd()
        self._used: dict[Path, dict[str, float]] = {}  # seconds of runs in earlier commands, by folder

    def write(self) -> None:
        """Raises UserError when a folder cannot be written."""
        folders: dict[Path, list[Point]] = {}
        for point in self._points:
            folder = point.run.path.parent if point.run is not None else self._default
            folders.setdefault(folder, []).append(point)
        for folder, points in folders.items():
            counts = Counter(str(point.state) for point in points)
            if folder not in self._used:
                before = readable_sweep(folder)[0].all_points
                self._used[folder] = {run: number(row, "seconds") or 0.0 for run, row in before.items()}
            used = self._used[folder]
            records = [point.record() for point in points]
            for row in records:
                row["seconds"] = round(row["seconds"] + used.get(row["run"], 0.0) * (row["same_as"] is None), 1)
            head = {"version": VERSION, "command": self.command, "started": self._started, "updated": _now()}
            head |= {"directory": str(self._directory), "folder": str(folder), "controller": self._controller}
            runs = {row["run"] for row in records}
            rest = {"counts": dict(sorted(counts.items())), "points": records, "earlier": self._earlier(folder, runs)}
            write_sealed(folder / "sweep.json", {**head, **rest})

    def write_if_possible(self) -> None:
        """The same while points run: a full disk must not end them. `write` reports it at the end."""
        try:
            self.write()
        except UserError:
            return

    def _earlier(self, folder: Path, runs: set[str | None]) -> list[dict[str, Any]]:
        """Commands that the file has of this sweep, each without the points that a later one has, this one included.

        What is in a file that cannot be read is lost, as the file itself is.
        """
        path = folder / "sweep.json"
        try:
            found = read_sealed(path, "the summary of a sweep") if path.is_file() else {}
        except UserError:
            return []
        known = set(runs)
        kept: list[dict[str, Any]] = []
        before = found.get("earlier")
        for one in [found, *reversed(before if isinstance(before, list) else [])]:
            points = one.get("points") if isinstance(one, dict) else None
            rows = [row for row in points if isinstance(row, dict)] if isinstance(points, list) else []
            own = [row for row in rows if isinstance(row.get("run"), str) and row["run"] not in known]
            known |= {row["run"] for row in own}
            if own:
                kept.append({**{key: one.get(key) for key in _OF_A_COMMAND}, "points": own})
        return kept[::-1]


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
