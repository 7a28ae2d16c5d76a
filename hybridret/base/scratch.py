"""Arrays in files without a name: they take no memory of the process, and vanish with it, also after a kill.

The pages of such an array belong to its file, so the system writes them out and takes them back when it needs memory.
Forked processes share the arrays that were made before the fork.
"""

from __future__ import annotations

import mmap
import os
import tempfile
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from hybridret.base.errors import UserError
from hybridret.base.files import cache_folder

CHUNK = 1 << 18  # elements that are worked on at a time: a few megabytes, whatever the length of an array
FOLDER = "scratch"


def scratch_array(length: int, dtype: DTypeLike) -> NDArray[Any]:
    """[length] zeros in an unnamed file in the cache folder. It is freed with the last array that looks at it.

    Raises UserError where the disk is full, or the cache folder cannot be written.
    """
    kind = np.dtype(dtype)
    if not length:
        return np.zeros(0, kind)
    size = length * kind.itemsize
    with scratch_file() as file:
        try:
            # A write into a mapped file without room would end the process with SIGBUS: take the room now.
            reserve = getattr(os, "posix_fallocate", None)
            if reserve is None:
                file.truncate(size)
            else:
                reserve(file.fileno(), 0, size)
            return np.frombuffer(mmap.mmap(file.fileno(), size), kind)
        except OSError as error:
            raise _refused(error) from error


def scratch_file(folder: Path | None = None) -> IO[bytes]:
    """A new unnamed file in `folder`, by default in the cache folder. Raises UserError where none can be made."""
    try:
        folder = folder or cache_folder() / FOLDER
        folder.mkdir(parents=True, exist_ok=True)
        return tempfile.TemporaryFile(dir=folder)
    except OSError as error:
        raise _refused(error) from error


def _refused(error: OSError) -> UserError:
    return UserError(
        f"Cannot write a temporary file in {cache_folder() / FOLDER}: {error.strerror or error}. Free some space, or "
        f"set HYBRIDRET_CACHE to a folder with room, and run the same command again."
    )
