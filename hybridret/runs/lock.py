"""One process at a time in a run directory: a POSIX record lock on a small file.

The kernel drops the lock with its process however that ends, so nothing is left to clean up after a crash, and worker
processes that were forked do not inherit it. Some network file systems offer no such locks; there the file's content
(process, host) and the heartbeat of `status.json` decide.
"""

from __future__ import annotations

import fcntl
import json
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from hybridret.errors import UserError
from hybridret.runs.status import read_status

STALE = timedelta(minutes=10)  # longer than any silent phase; asked only where the file system cannot lock

_held: set[Path] = set()  # record locks do not exclude the process that has them


@contextmanager
def exclusive(path: Path, status: Path) -> Iterator[None]:
    """Hold the lock file `path` for the block. Raises UserError naming the process that holds it already."""
    path = path.resolve()
    if path in _held:
        raise _busy(path, {"pid": os.getpid(), "host": socket.gethostname()})
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        file = open(path, "a+", encoding="utf-8")  # noqa: SIM115 (closing is unlocking: it must outlive this block)
    except OSError as error:
        raise UserError(
            f"Cannot write in {path.parent}: {error.strerror or error}. Choose another folder with output=FOLDER."
        ) from error
    with file:
        try:
            fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except (BlockingIOError, PermissionError):
            raise _busy(path, _read(path)) from None
        except OSError:  # this file system cannot lock
            if _alive(_read(path), status):
                raise _busy(path, _read(path)) from None
        _held.add(path)
        try:
            with suppress(OSError):  # a full disk: the lock holds, only its holder has no name
                file.truncate(0)
                os.write(file.fileno(), json.dumps({"pid": os.getpid(), "host": socket.gethostname()}).encode())
            yield
        finally:
            _held.discard(path)
            file.truncate(0)  # the file stays: removing it would let two later processes lock two different ones


def _read(path: Path) -> dict[str, Any]:
    try:
        holder = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return holder if isinstance(holder, dict) else {}


def _alive(holder: dict[str, Any], status: Path) -> bool:
    """Whether the holder still works: its process on this host, a recent heartbeat on another."""
    if not holder:
        return False
    if holder.get("host") == socket.gethostname():
        try:
            os.kill(int(holder["pid"]), 0)
        except ProcessLookupError:
            return False
        except PermissionError:
            return True
        return int(holder["pid"]) != os.getpid()
    current = read_status(status) or {}
    if current.get("state") != "running" or not isinstance(current.get("heartbeat"), str):
        return False
    return datetime.now(UTC) - datetime.fromisoformat(current["heartbeat"]) < STALE


def _busy(path: Path, holder: dict[str, Any]) -> UserError:
    who = f"process {holder['pid']} on {holder['host']}" if {"pid", "host"} <= holder.keys() else "another process"
    return UserError(
        f"{path.parent} is in use: {who} works on this run. Wait for it or stop it, then run the same command again."
    )
