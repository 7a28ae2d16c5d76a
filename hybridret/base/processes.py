"""Which process is which: ids are used again, so a process is its id and its birth. Read from /proc, as on Linux."""

from __future__ import annotations

import os
from pathlib import Path

from hybridret.base.interruption import PARENT

_PROC = Path("/proc")


def birth(pid: int) -> int | None:
    """When the process began, in clock ticks since the machine did; None where that cannot be known."""
    fields = _stat(pid)
    return int(fields[19]) if len(fields) > 19 and fields[19].isdecimal() else None


def parent(pid: int) -> int | None:
    """The id of the process that is its parent now; None where that cannot be known."""
    fields = _stat(pid)
    return int(fields[1]) if len(fields) > 1 and fields[1].isdecimal() else None


def sweep_of(pid: int) -> int | None:
    """The sweep that started this process and is still its parent; None where no sweep did."""
    try:
        variables = (_PROC / str(pid) / "environ").read_bytes().split(b"\0")
    except OSError:
        return None
    started = next((one.partition(b"=")[2] for one in variables if one.startswith(f"{PARENT}=".encode())), b"")
    above = parent(pid)
    return above if above is not None and started == str(above).encode() else None


def alive(pid: int, born: int | None) -> bool:
    """Whether the process `pid` that was born at `born` (None: not known) still works; one that ended and was not
    waited for does not."""
    fields = _stat(pid)
    if fields:
        return fields[0] not in ("Z", "X") and born in (None, birth(pid))
    if _PROC.joinpath("self").exists() or pid <= 0:
        return False
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _stat(pid: int) -> list[str]:
    """The fields of /proc/PID/stat from the state on: before it stands a name that may hold anything."""
    try:
        return (_PROC / str(pid) / "stat").read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()
    except OSError:
        return []
