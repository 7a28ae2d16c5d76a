"""`sweep.json` as others read it: what was asked for, by whom, and what came of each point in that command."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from hybridret.base.checksums import read_sealed
from hybridret.base.errors import UserError
from hybridret.reporting.points import SUMMARY


@dataclass(frozen=True)
class Controller:
    """The process that runs a sweep. `birth`: when it started, as `base.machine.birth` counts; None: not known."""

    pid: int
    host: str
    birth: int | None


@dataclass(frozen=True)
class SweepFile:
    """command: as it was typed; directory: where; folder: of the sweep, relative to that directory or absolute; points:
    the rows of the points by the name of their run; earlier: other commands of this sweep, oldest first, each with the
    points that no later one has. A value that the file lacks is None."""

    command: str | None = None
    directory: Path | None = None
    folder: Path | None = None
    controller: Controller | None = None
    points: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    earlier: tuple[SweepFile, ...] = ()

    @property
    def all_points(self) -> dict[str, Mapping[str, Any]]:
        """The rows of the points of all commands."""
        return {name: row for one in (*self.earlier, self) for name, row in one.points.items()}


def read_sweep(folder: Path) -> SweepFile:
    """The `sweep.json` of the folder of a sweep; an empty one where there is none.

    Raises UserError where the file is damaged.
    """
    path = folder / SUMMARY
    if not path.is_file():
        return SweepFile()
    found = read_sealed(path, "the summary of a sweep", "run the sweep command again")
    earlier = found.get("earlier")
    commands = [_sweep(one) for one in earlier if isinstance(one, dict)] if isinstance(earlier, list) else []
    return replace(_sweep(found), controller=_controller(found.get("controller")), earlier=tuple(commands))


def _sweep(found: Mapping[str, Any]) -> SweepFile:
    """One command and its points."""
    listed = found.get("points")
    rows = [row for row in listed if isinstance(row, dict)] if isinstance(listed, list) else []
    return SweepFile(
        _text(found.get("command")),
        _path(found.get("directory")),
        _path(found.get("folder")),
        points={row["run"]: row for row in rows if isinstance(row.get("run"), str) and row.get("same_as") is None},
    )


def _text(value: object) -> str | None:
    return value if isinstance(value, str) else None


def _path(value: object) -> Path | None:
    return Path(value) if isinstance(value, str) else None


def _controller(value: object) -> Controller | None:
    if not isinstance(value, dict) or type(value.get("pid")) is not int or not isinstance(value.get("host"), str):
        return None
    birth = value.get("birth")
    return Controller(value["pid"], value["host"], birth if type(birth) is int else None)


def readable_sweep(folder: Path) -> tuple[SweepFile, str | None]:
    """`read_sweep`, and what is wrong with a file that cannot be read."""
    try:
        return read_sweep(folder), None
    except UserError as error:
        return SweepFile(), str(error)
