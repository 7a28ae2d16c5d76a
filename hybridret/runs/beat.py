"""Ownership of a run where locks cannot be trusted: the owner writes a growing count to the lock file, and another
process watches whether the count still changes.

Neither clocks nor process ids are compared: clocks differ between machines, ids are reused. The owner counts as dead
when the file does not change for `SILENCE` seconds on the watcher's own clock. Who only looks compares times that the
file system gave to two files.
"""

from __future__ import annotations

import json
import os
import secrets
import socket
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import Event, Thread
from typing import TextIO

from hybridret.base.errors import REQUEUE

INTERVAL = 5.0  # seconds between two counts
SILENCE = 60.0  # without a count until the owner is dead: a thread can wait long for the interpreter
_WIDTH = 256  # bytes: each count overwrites the last in one write, so no reader sees parts of two


def stands_still(path: Path, check: Callable[[], None]) -> bool:
    """Whether the lock file `path` has no owner: it is empty, or did not change while watched for `SILENCE` seconds.

    `check` is called meanwhile, and may raise.
    """
    seen = _content(path)
    end = time.monotonic() + SILENCE
    while seen and time.monotonic() < end:
        check()
        time.sleep(min(1.0, INTERVAL))
        if (now := _content(path)) != seen:
            return not now
    return True


def is_fresh(path: Path) -> bool:
    """Whether the lock file `path` was written less than `SILENCE` seconds before a file that is made now beside it.
    False where none can be made."""
    try:
        with tempfile.NamedTemporaryFile(dir=path.parent, prefix=f"{path.name}.") as now:
            now.write(b" ")
            now.flush()
            return os.fstat(now.fileno()).st_mtime - path.stat().st_mtime < SILENCE
    except OSError:
        return False


@contextmanager
def counting(path: Path, locked: TextIO | None = None, at_once: bool = False) -> Iterator[bool]:
    """Count in the lock file `path` during the block; yields False where another process came first.

    locked: the open file, where this process holds a lock on it. at_once: do not wait for processes that come at the
    same moment: a lock keeps those of this machine away, and another machine's is found at the next count.

    A process that was suspended for too long finds another's count in its file and ends at once: otherwise two
    processes would write the same checkpoints.
    """
    token, over = secrets.token_hex(8), Event()
    file = os.open(path, os.O_RDWR) if locked is None else locked.fileno()

    def is_of_another() -> bool:
        content = _content(path) if locked is None else _own_content(file)  # empty where it cannot be read just now
        return bool(content) and f'"{token}"'.encode() not in content

    try:
        _count(file, token, 0)
    except OSError:  # a full disk: a lock works, but does not name its holder
        if locked is None:
            os.close(file)
            raise
    if not at_once:
        over.wait(INTERVAL / 2)  # a process that came at the same moment has written by now; the last count wins
    if is_of_another():
        if locked is None:
            os.close(file)
        yield False
        return

    def count() -> None:
        number = 0
        while not over.wait(INTERVAL):
            if is_of_another():
                sys.stderr.write(f"Another process took over {path.parent}: this one stood still for too long.\n")
                sys.stderr.flush()
                os._exit(REQUEUE)
            number += 1
            with suppress(OSError):  # a full disk does not matter: existing bytes are overwritten
                _count(file, token, number)

    thread = Thread(target=count, daemon=True)
    thread.start()
    try:
        yield True
    finally:
        over.set()
        thread.join()
        with suppress(OSError):
            os.ftruncate(file, 0)
        if locked is None:
            os.close(file)


def _count(file: int, token: str, number: int) -> None:
    whose = {"pid": os.getpid(), "host": socket.gethostname(), "token": token, "count": number}
    os.pwrite(file, json.dumps(whose).ljust(_WIDTH).encode(), 0)
    os.fsync(file)  # a network file system keeps what is written for half a minute


def _own_content(file: int) -> bytes:
    try:
        return os.pread(file, 4096, 0).strip()
    except OSError:
        return b""


def _content(path: Path) -> bytes:
    try:
        return path.read_bytes().strip()
    except OSError:
        return b""
