"""Remove what a sweep does not need: files that killed processes left, and checkpoints of failed runs."""

from __future__ import annotations

import os
import secrets
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from hybridret.base.errors import UserError
from hybridret.base.markup import printable
from hybridret.runs.directory import RunDirectory
from hybridret.runs.leftovers import is_temporary, leftovers, remove
from hybridret.runs.lock import InUse
from hybridret.runs.status import State, read_status
from hybridret.sweep.engines.registry import engine
from hybridret.sweep.overview.row import Row
from hybridret.sweep.overview.survey import Engines, survey

RECENT = 3600.0  # seconds: a temporary file of the sweep's folder, which has no lock, may be in use for so long


@dataclass(frozen=True)
class _Found:
    path: Path
    size: int  # bytes
    what: str


def clean(folder: Path, say: Callable[[str], None], dry: bool = False, engines: Engines = engine) -> None:
    """Remove temporary files of the runs of `folder` that no process works on, and checkpoints of those that failed
    and that no job will start again. Never a result, a curve or a log. `dry`: only say what would be removed.

    Raises UserError where the folder is neither a sweep nor a run.
    """
    found = survey(folder, engines, mend=False)
    removed: list[_Found] = []
    for row in found.rows:
        if row.folder is not None and not row.live:
            removed += _cleaned(row, row.folder, dry, say)
    for path in _old(folder):
        removed.append(_Found(path, _size(path), "a temporary file"))
        if not dry:
            remove(path)
    verb = "would remove" if dry else "removed"
    for one in removed:
        say(f"{verb} {printable(str(one.path))} ({_megabytes(one.size)}): {one.what}")
    total = _megabytes(sum(one.size for one in removed))
    say(f"{folder}: {verb} {total}." if removed else f"{folder}: there is nothing to remove.")


def _cleaned(row: Row, folder: Path, dry: bool, say: Callable[[str], None]) -> list[_Found]:
    """What is, or would be, removed of one run. It is locked while it is looked at, but not while files are deleted,
    which can take long: a point that starts meanwhile would fail."""
    run = RunDirectory(folder)
    if not any(leftovers(folder)) and not (row.state == State.FAILED and run.checkpoints.is_dir()):
        return []
    if dry:
        return _of(row, run)
    try:
        with run.lock():
            failed = row.state == State.FAILED and _still_failed(run, row)
            if not failed and row.state == State.FAILED:
                return []
            found = _of(row, run)
            aside = [_aside(one.path) for one in found]
    except InUse:
        say(f"{printable(row.run)}: a process works on it, so it is left alone.")
        return []
    except OSError as error:
        raise UserError(f"Cannot clean {folder}: {error.strerror or error}.") from error
    for path in aside:
        remove(path)
    return found


def _of(row: Row, run: RunDirectory) -> list[_Found]:
    failed = row.state == State.FAILED and run.checkpoints.is_dir() and not run.result.is_file()
    found = [
        _Found(path, _size(path), "left by a process that was killed")
        for path in leftovers(run.path)
        if not (failed and run.checkpoints in path.parents)
    ]
    if failed:
        found.append(_Found(run.checkpoints, _size(run.checkpoints), "checkpoints of a run that failed"))
    return found


def _still_failed(run: RunDirectory, row: Row) -> bool:
    """Under the lock: whether nobody has worked here since the look."""
    try:
        status = read_status(run.status) or {}
    except UserError:
        return False
    same = status.get("heartbeat") == row.heartbeat and status.get("state") != State.QUEUED
    return same and not run.result.is_file()


def _aside(path: Path) -> Path:
    """Rename to a temporary name, which is gone at once for all others, and later cleaned up if we are killed."""
    if is_temporary(path.name):
        return path
    aside = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    os.rename(path, aside)
    return aside


def _old(folder: Path) -> Iterator[Path]:
    with suppress(OSError):
        for path in folder.iterdir():
            if is_temporary(path.name) and path.is_file() and time.time() - path.stat().st_mtime > RECENT:
                yield path


def _size(path: Path) -> int:
    """Bytes of a file, or of all files in a folder."""
    if path.is_symlink() or not path.is_dir():
        with suppress(OSError):
            return path.lstat().st_size
        return 0
    return sum(_size(Path(root, name)) for root, _, names in os.walk(path) for name in names)


def _megabytes(size: int) -> str:
    return f"{size / 1e6:,.1f} MB"
