"""Hints for error messages about a wrong path: it is an archive, or the folder above or below the right one."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

PACKED = (".zip", ".tar", ".tar.gz", ".tgz", ".tar.bz2", ".tar.xz", ".7z", ".rar")


def is_archive(path: Path) -> bool:
    """Whether the file name has the suffix of an archive."""
    return path.name.lower().endswith(PACKED)


def folders_below(folder: Path) -> Iterator[Path]:
    """The subfolders of `folder`, sorted; empty if it cannot be read."""
    try:
        yield from sorted(one for one in folder.iterdir() if one.is_dir())
    except OSError:
        return


def hint(path: Path, key: str, holds: Callable[[Path], bool]) -> str:
    """A sentence, with a space before it, that names the right value of `key`; "" if there is no hint.

    holds: whether a folder has the right content.
    """
    if path.is_file():
        what = "an archive: unpack it, and set" if is_archive(path) else "a file: set"
        return f" {path.name} is {what} {key} to the folder."
    for one in folders_below(path):
        if holds(one):
            return f" The folder {one.name} in it has them: set {key}={one}."
    if path.is_dir() and holds(path.parent):
        return f" The folder above it has them: set {key}={path.parent}."
    return ""
