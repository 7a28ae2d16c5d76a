"""Ownership where files cannot be locked: the owner counts in the lock file, and whoever wants it watches that stand
still.

Neither clocks nor process ids are compared: clocks differ between machines, ids are used again. What counts is that
the file does not change for `SILENCE` seconds of the watcher's own clock.
"""

from __future__ import annotations

import json
import os
import secrets
import socket
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import Event, Thread

from hybridret.base.errors import REQUEUE

INTERVAL = 5.0  # seconds between two counts
SILENCE = 60.0  # and without one, after which the owner is dead: a thread can wait long for the interpreter
_WIDTH = 256  # bytes: each count is one write over the one before, so that nobody reads half of two


def stands_still(path: Path, check: Callable[[], None]) -> bool:
    """Whether nobody owns the lock file `path`: it is empty, or watched for `SILENCE` seconds without a change.

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


@contextmanager
def counting(path: Path) -> Iterator[bool]:
    """Count in the lock file `path` for the block; yields False where another one came first.

    A process that finds another's count in its file, because it was stopped for too long, ends at once: two would
    write the same checkpoints.
    """
    token, over = secrets.token_hex(8), Event()
    file = os.open(path, os.O_RDWR)  # not for appending, which would not write over
    _count(file, token, 0)
    over.wait(INTERVAL / 2)  # one that wrote at the same moment has written by now; the last one stays
    if _is_of_another(path, token):
        os.close(file)
        yield False
        return

    def count() -> None:
        number = 0
        while not over.wait(INTERVAL):
            if _is_of_another(path, token):
                sys.stderr.write(f"Another process took over {path.parent}: this one stood still for too long.\n")
                sys.stderr.flush()
                os._exit(REQUEUE)
            number += 1
            with suppress(OSError):  # a full disk: what is there is written over
                _count(file, token, number)

    thread = Thread(target=count, daemon=True)
    thread.start()
    try:
        yield True
    finally:
        over.set()
        thread.join()
        os.ftruncate(file, 0)
        os.close(file)


def _count(file: int, token: str, number: int) -> None:
    whose = {"pid": os.getpid(), "host": socket.gethostname(), "token": token, "count": number}
    os.pwrite(file, json.dumps(whose).ljust(_WIDTH).encode(), 0)


def _is_of_another(path: Path, token: str) -> bool:
    content = _content(path)  # nothing where it cannot be read just now
    return bool(content) and f'"{token}"'.encode() not in content


def _content(path: Path) -> bytes:
    try:
        return path.read_bytes().strip()
    except OSError:
        return b""
