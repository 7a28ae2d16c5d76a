"""One process at a time in a run directory: a POSIX record lock on a small file.

The kernel drops the lock with its process however that ends, so nothing is left to clean up after a crash, and worker
processes that were forked do not inherit it. Some network file systems offer no such locks; there the owner counts in
the file (`beat.py`).
"""

from __future__ import annotations

import fcntl
import json
import os
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any, TextIO

from hybridret.base.errors import CannotWrite, UserError
from hybridret.base.progress import Progress
from hybridret.runs.beat import counting, stands_still
from hybridret.runs.status import State, is_stale, read_status

_OWNER, _GATE = 0, 1  # bytes: locked as long as the work lasts; locked while a process checks the other byte


class InUse(UserError):
    """Another process holds the lock."""


LOOK_AGAIN = 1.0  # seconds

_held: set[Path] = set()  # a record lock does not block the process that holds it


@contextmanager
def exclusive(path: Path, check: Callable[[], None] = lambda: None) -> Iterator[None]:
    """Hold the lock file `path` for the block. Raises UserError naming the process that holds it already.

    Where files cannot be locked, it takes a minute to find out whether an owner is dead; `check` is called meanwhile,
    and may raise.
    """
    path = path.resolve()
    if path in _held:
        raise _busy(path, {"pid": os.getpid(), "host": socket.gethostname()})
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        file = open(path, "a+", encoding="utf-8")  # noqa: SIM115 (closing is unlocking: it must outlive this block)
    except OSError as error:
        raise CannotWrite(
            f"Cannot write in {path.parent}: {error.strerror or error}. Choose another folder with output=FOLDER."
        ) from error
    with file, ExitStack() as owned:
        taken = _take(file)
        with suppress(OSError):
            fcntl.lockf(file, fcntl.LOCK_UN, 1, _GATE)
        if taken is None:
            taken = stands_still(path, check) and owned.enter_context(counting(path))
            if taken:
                _held.add(path)
                owned.callback(_held.discard, path)
                yield
                return
        if not taken:
            raise _busy(path, _read(path))
        _held.add(path)
        try:
            with suppress(OSError):  # a full disk: the lock works, but does not name its holder
                file.truncate(0)
                os.write(file.fileno(), json.dumps({"pid": os.getpid(), "host": socket.gethostname()}).encode())
            yield
        finally:
            _held.discard(path)
            file.truncate(0)  # the file stays: removing it would let two later processes lock two different ones


def enter_when_free(
    stack: ExitStack, lock: Callable[[], AbstractContextManager[None]], progress: Progress, waiting: str
) -> None:
    """Hold `lock()` until `stack` closes, as soon as it is free; `waiting` is the text shown meanwhile."""
    with suppress(InUse):
        stack.enter_context(lock())
        return
    with progress.task(waiting, None) as advance:
        while True:
            time.sleep(LOOK_AGAIN)
            advance(0)  # a safe point, and a heartbeat
            with suppress(InUse):
                stack.enter_context(lock())
                return


@contextmanager
def unowned(path: Path, status: Path) -> Iterator[bool | None]:
    """Whether no process holds the lock file `path`. No process can take it during the block, which must be short.
    Where files cannot be locked this is not sure, and None is yielded instead of True.
    """
    path = path.resolve()
    if path in _held:
        yield False
        return
    try:
        file = _opened(path)
    except FileNotFoundError:  # and it cannot be made: a process that works here would have made it
        yield True
        return
    except OSError:
        yield False if _alive(_read(path), status) else None
        return
    with file:
        free = _take(file)
        yield False if free is None and _alive(_read(path), status) else free


def in_use(path: Path, status: Path) -> str | None:
    """The sentence about the process that holds the lock file `path`, None where none does."""
    with unowned(path, status) as free:
        return str(_busy(path, _read(path))) if free is False else None


def _opened(path: Path) -> TextIO:
    try:
        return open(path, "a+", encoding="utf-8")
    except FileNotFoundError:
        raise
    except OSError:  # of another user: can be read, not changed
        return open(path, encoding="utf-8")


def _take(file: TextIO) -> bool | None:
    """Whether the lock was taken; None where the file system cannot lock. It is held until `file` closes.

    The gate is locked only for moments, so a process that only looks is never mistaken for an owner.
    """
    kind = fcntl.LOCK_EX if file.writable() else fcntl.LOCK_SH
    try:
        fcntl.lockf(file, kind, 1, _GATE)
    except OSError:
        return None
    try:
        fcntl.lockf(file, kind | fcntl.LOCK_NB, 1, _OWNER)
    except (BlockingIOError, PermissionError):
        return False
    except OSError:
        return None
    return True


def _read(path: Path) -> dict[str, Any]:
    try:
        holder = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return holder if isinstance(holder, dict) else {}


def _alive(holder: dict[str, Any], status: Path) -> bool:
    """Whether the holder seems to work, at one look: its process on this host, a recent heartbeat on another."""
    if not holder:
        return False
    if holder.get("host") == socket.gethostname():
        try:
            os.kill(int(holder["pid"]), 0)
        except (ProcessLookupError, KeyError, ValueError, TypeError, OverflowError):
            return False
        except PermissionError:
            return True
        return int(holder["pid"]) != os.getpid()
    try:
        current = read_status(status) or {}
    except UserError:
        return False
    return current.get("state") == State.RUNNING and not is_stale(current)


def _busy(path: Path, holder: dict[str, Any]) -> InUse:
    who = f"process {holder['pid']} on {holder['host']}" if {"pid", "host"} <= holder.keys() else "another process"
    return InUse(
        f"{path.parent} is in use: {who} works on this run. Wait for it or stop it, then run the same command again."
    )
