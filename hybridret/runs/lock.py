"""One process at a time in a run directory: a POSIX record lock on a small file.

The kernel drops the lock with its process however that ends, so nothing is left to clean up after a crash, and worker
processes that were forked do not inherit it. Some network file systems offer no such locks, and others grant them on
each machine alone (Lustre with `localflock`, NFS with `local_lock`). So the owner also counts in the file (`beat.py`),
and a lock is believed only if the file does not name another machine: then the count decides.

A process loses its record locks when it closes any descriptor of the file, so an owner reads through the one it has.
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
from hybridret.runs.beat import counting, is_fresh, stands_still
from hybridret.runs.status import State, is_stale, read_status

_OWNER, _GATE = 0, 1  # bytes: locked as long as the work lasts; locked while a process checks the other byte


class InUse(UserError):
    """Another process holds the lock."""


LOOK_AGAIN = 1.0  # seconds
_MOST = 4096  # bytes of the file that are read

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
        file = _writable(path)
    except OSError as error:
        raise CannotWrite(
            f"Cannot write in {path.parent}: {error.strerror or error}. Choose another folder with output=FOLDER."
        ) from error
    with file, ExitStack() as owned:
        taken = _take(file)
        _release(file, _GATE)
        alone = taken is None or (taken and _names_another_machine(file))
        if alone:
            _release(file, _OWNER)  # the watch opens and closes the file
            if stands_still(path, check):
                taken = _take(file)
                _release(file, _GATE)
                taken = taken is not False and owned.enter_context(counting(path, file if taken else None))
            else:
                taken = False
        elif taken:
            owned.enter_context(counting(path, file, at_once=True))
        if not taken:
            raise _busy(path, _read(path))
        _held.add(path)
        owned.callback(_held.discard, path)
        yield  # the file stays: removing it would let two later processes lock two different ones


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
        if free is None and _alive(_read(path), status):
            free = False
        if free and _names_another_machine(file) and is_fresh(path):  # its lock may not be seen here
            free = False
        yield free


def in_use(path: Path, status: Path) -> str | None:
    """The sentence about the process that holds the lock file `path`, None where none does."""
    with unowned(path, status) as free:
        return str(_busy(path, _read(path))) if free is False else None


def _writable(path: Path) -> TextIO:
    """Not opened for appending: a count overwrites the last one."""
    return os.fdopen(os.open(path, os.O_RDWR | os.O_CREAT, 0o666), "r+", encoding="utf-8")


def _opened(path: Path) -> TextIO:
    try:
        return _writable(path)
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


def _release(file: TextIO, byte: int) -> None:
    with suppress(OSError):
        fcntl.lockf(file, fcntl.LOCK_UN, 1, byte)


def _names_another_machine(file: TextIO) -> bool:
    """Whether an owner elsewhere wrote in the file and did not clear it: it works, or it was killed."""
    try:
        holder = _holder(os.pread(file.fileno(), _MOST, 0))
    except OSError:
        return False
    return str(holder.get("host", socket.gethostname())) != socket.gethostname()


def _read(path: Path) -> dict[str, Any]:
    try:
        return _holder(path.read_bytes())
    except OSError:
        return {}


def _holder(content: bytes) -> dict[str, Any]:
    try:
        holder = json.loads(content)
    except ValueError:
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
