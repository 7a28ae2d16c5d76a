"""Temporary files and folders that killed processes left in a run directory; some are as large as checkpoints."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

#: Folders in which files first get a temporary name: `.last.ckpt.k3_x8a0q.ckpt`, `.best.new-k3_x8a0q`.
_FOLDERS = (".", "checkpoints", "checkpoints/last.ckpt", "trec")
_NAME = re.compile(r"\..+\.(new-)?[a-z0-9_]{8}(\.[A-Za-z0-9]+)?")


def leftovers(folder: Path) -> Iterator[Path]:
    """The temporary files and folders in the run directory `folder`: of its owner, or left by one that was killed."""
    for name in _FOLDERS:
        with suppress(OSError):
            for path in (folder / name).iterdir():
                if is_temporary(path.name):
                    yield path


def is_temporary(name: str) -> bool:
    """Whether a file or folder has such a temporary name."""
    return _NAME.fullmatch(name) is not None


def remove_leftovers(folder: Path) -> None:
    """Remove them; only under the lock of `folder`. What cannot be removed stays."""
    for path in list(leftovers(folder)):
        remove(path)


def remove(path: Path) -> None:
    """Remove a file, a link, or a folder with all that it holds. What cannot be removed stays."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
    else:
        with suppress(OSError):
            path.unlink()
