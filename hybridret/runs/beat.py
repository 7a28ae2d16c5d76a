"""Ownership of a run where files cannot be locked: the owner writes a growing count to the lock file, and another
process watches whether the count still changes.

Neither clocks nor process ids are compared: clocks differ between machines, ids are reused. The owner counts as dead
when the file does not change for `SILENCE` seconds on the watcher's own clock.
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


@contextmanager
def counting(path: Path) -> Iterator[bool]:
    """Count in the lock file `path` during the block; yields False where another process came first.

    A process that was suspended for too long finds another's count in its file and ends at once: otherwise two
    processes would write the same checkpoints.
    """
    token, over = secrets.token_hex(8), Event()
    file = os.open(path, os.O_RDWR)  # not for appending: each count overwrites the last
    _count(file, token, 0)
    over.wait(INTERVAL / 2)  # a process that came at the same moment has written by now; the last count wins
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
            with suppress(OSError):  # a full disk does not matter: existing bytes are overwritten
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
    content = _content(path)  # empty where it cannot be read at the moment
    return bool(content) and f'"{token}"'.encode() not in content


def _content(path: Path) -> bytes:
    try:
        return path.read_bytes().strip()
    except OSError:
        return b""
