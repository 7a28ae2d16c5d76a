"""What to say of a path that is not what it should be: an archive, or the folder above or below the right one."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

PACKED = (".zip", ".tar", ".tar.gz", ".tgz", ".tar.bz2", ".tar.xz", ".7z", ".rar")


def is_archive(path: Path) -> bool:
    """Whether the name says so."""
    return path.name.lower().endswith(PACKED)


def folders_below(folder: Path) -> Iterator[Path]:
    """The folders right below one, sorted; none where it cannot be read."""
    try:
        yield from sorted(one for one in folder.iterdir() if one.is_dir())
    except OSError:
        return


def hint(path: Path, key: str, holds: Callable[[Path], bool]) -> str:
    """A sentence, with a space before it, that names what `key` should be; "" where there is nothing to say.

    holds: whether a folder has what is looked for.
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
