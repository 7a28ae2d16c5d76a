"""The points of a sweep: their run directories, and what came of those that have no result."""

from __future__ import annotations

import difflib
import os
from collections.abc import Iterable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from hybridret.base.checksums import read_sealed
from hybridret.base.errors import UserError
from hybridret.runs.look import look
from hybridret.runs.status import read_status

MARKS = ("result.json", "status.json", "config.yaml")
DAMAGED = "damaged"  # a state of reports alone
SUMMARY = "sweep.json"  # the points of the last sweep command
FAILURE_COLUMNS = ("run", "state", "phase", "done", "total", "reason")
_GIVE = "Give the folder of a sweep, such as multirun/default: it holds one folder per run."


def run_folders(folder: Path) -> list[Path]:
    """The run directories in the sweep `folder`, by name. Raises UserError where that is no sweep or cannot be read."""
    if not folder.is_dir():
        what = "is a file" if folder.exists() else "does not exist"
        raise UserError(f"{folder} is not the folder of a sweep: it {what}. {_near(folder)}")
    if is_run(folder):
        raise UserError(f"{folder} is one run; a report is made of a sweep: give the folder above it, {folder.parent}.")
    try:
        return sorted(path for path in folder.iterdir() if is_run(path))
    except OSError as error:
        raise UserError(f"{folder} cannot be read ({error.strerror}). {_GIVE}") from error


def unfinished(folder: Path, runs: Iterable[Path]) -> tuple[list[dict[str, Any]], list[str]]:
    """`FAILURE_COLUMNS` of all that has no result: `runs` by their status, then the points of the last command that
    came to no run directory, such as one whose config could not be composed. And what is wrong with a `sweep.json` that
    cannot be read.
    """
    runs = list(runs)
    rows = [_from_status(path) for path in runs if not (path / "result.json").is_file()]
    try:
        return rows + _without_directory(folder / SUMMARY, {path.name for path in runs}), []
    except UserError as error:
        return rows, [str(error)]


def states_of(rows: Iterable[Mapping[str, Any]]) -> str:
    """The rows of `unfinished` in one line."""
    return "; ".join(
        f"{row['run']} is {row['state']}" + (f" ({row['reason']})" if row["reason"] else "") for row in rows
    )


def nothing_finished(folder: Path, rows: list[dict[str, Any]]) -> UserError:
    """The error for a sweep without a result, `rows` as of `unfinished`."""
    there = f"There is: {states_of(rows)}. Run the same sweep command again to go on."
    return UserError(
        f"No run of {folder} is finished, so there is nothing to report. "
        + (there if rows else f"It holds no run directory. {_GIVE}")
    )


def is_run(path: Path) -> bool:
    """Whether `path` holds a file that only a run directory has."""
    # Unlike Path.is_file this is False, no error, where a folder may not be entered.
    return any(os.path.isfile(path / mark) for mark in MARKS)


def _near(folder: Path) -> str:
    """A sweep beside `folder` with a name like it, or all beside it, or what to give."""
    beside: list[Path] = []
    with suppress(OSError):
        beside = sorted(path for path in folder.parent.iterdir() if path.is_dir())
    for name in difflib.get_close_matches(folder.name, [path.name for path in beside]):
        with suppress(UserError):
            if run_folders(folder.parent / name):
                return f"Did you mean {name!r}?"
    sweeps = [path.name for path in beside if os.path.isfile(path / SUMMARY)]
    return f"Sweeps in {folder.parent}: {', '.join(sweeps[:20])}." if sweeps else _GIVE


def _from_status(path: Path) -> dict[str, Any]:
    file = path / "status.json"
    if not file.is_file():
        return failure_row(path.name, {"state": "queued", "reason": "no status.json was written"})
    try:
        read_status(file)
    except UserError as error:
        return failure_row(path.name, {"state": DAMAGED, "reason": str(error)})
    return failure_row(path.name, look(path))


def _without_directory(file: Path, known: set[str]) -> list[dict[str, Any]]:
    if not file.is_file():
        return []
    points = read_sealed(file, "the summary of a sweep").get("points")
    if not isinstance(points, list) or not all(isinstance(point, dict) for point in points):
        raise UserError(f"{file}: expected a JSON object with a list 'points'; run the sweep command again.")
    listed = [point.get("overrides") or [] for point in points]
    overrides = [[str(one) for one in own] if isinstance(own, list) else [str(own)] for own in listed]
    shared = set.intersection(*map(set, overrides)) if len(overrides) > 1 else set()
    rows: dict[str, dict[str, Any]] = {}
    for point, own in zip(points, overrides, strict=True):
        # What all points share does not tell them apart.
        telling = [one for one in own if one not in shared] or own
        name = str(point.get("run") or " ".join(telling) or "default")
        if name not in known and point.get("state") != "finished":
            rows.setdefault(name, failure_row(name, point))
    return list(rows.values())


def failure_row(name: str, found: Mapping[str, Any]) -> dict[str, Any]:
    """`FAILURE_COLUMNS` of the run or point `name`, from its status."""
    return {
        "run": name,
        "state": str(found.get("state") or "unknown"),
        "phase": str(found.get("phase") or ""),
        **{key: value if type(value := found.get(key)) is int else None for key in ("done", "total")},
        "reason": str(found.get("reason") or ""),
    }
