"""What this machine can hold: bounds for numbers that multiply processes, threads or memory."""

from __future__ import annotations

import os
import re
from pathlib import Path

from hybridret.base.errors import UserError

LARGEST = 3.4028234663852886e38  # largest number of single precision: a larger one becomes infinite
PER_CORE = 4  # processes or threads for each core: more than one is useful, since they may wait for a disk


def cores() -> int:
    """The cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def check_count(key: str, value: int, what: str) -> None:
    """Raise UserError where `value` of `what` (processes, threads) at once would take the machine down."""
    if value > (most := PER_CORE * cores()):
        raise UserError(
            f"{key}={value} would start {value} {what} at once, and this machine has {cores()} cores: at most {most} "
            f"({PER_CORE} for each core) can be of use. Set {key}={most} or less."
        )


def visible_gpus(devices: Path = Path("/dev")) -> list[str]:
    """The ids of the GPUs that may be used, without torch: `CUDA_VISIBLE_DEVICES`, else all of this machine."""
    named = os.environ.get("CUDA_VISIBLE_DEVICES")
    if named is not None:
        return [part.strip() for part in named.split(",") if part.strip() not in ("", "-1")]
    found = (re.fullmatch(r"nvidia(\d+)", path.name) for path in devices.glob("nvidia*"))
    return [str(index) for index in sorted(int(match[1]) for match in found if match)]


def available_memory(root: Path = Path("/")) -> int:
    """Bytes that a new process may take: what the kernel calls available, or less where a container has a limit."""
    found = [free for free in (_of_kernel(root), *_of_cgroups(root)) if free is not None]
    return min(found) if found else os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")


def _of_kernel(root: Path) -> int | None:
    match = re.search(r"MemAvailable:\s+(\d+) kB", _text(root / "proc/meminfo"))
    return None if match is None else int(match[1]) * 1024


def _of_cgroups(root: Path) -> list[int]:
    """The free bytes of each cgroup that this process is in, for versions 2 and 1 of the interface."""
    left = []
    for line in _text(root / "proc/self/cgroup").splitlines():
        _, controllers, path = line.split(":", 2)
        if controllers and "memory" not in controllers.split(","):
            continue
        base = root / ("sys/fs/cgroup" if not controllers else "sys/fs/cgroup/memory")
        limit, used, cache = (
            ("memory.max", "memory.current", "inactive_file")
            if not controllers
            else ("memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file")
        )
        inner = base / path.lstrip("/")
        for group in {base, inner, *(parent for parent in inner.parents if parent.is_relative_to(base))}:
            whole, taken = _text(group / limit).strip(), _text(group / used).strip()
            if whole.isdecimal() and taken.isdecimal():
                freed = re.search(rf"^{cache} (\d+)$", _text(group / "memory.stat"), re.MULTILINE)
                left.append(max(0, int(whole) - int(taken) + (int(freed[1]) if freed else 0)))
    return left


def _text(path: Path) -> str:
    try:
        return path.read_text("ascii")
    except (OSError, UnicodeDecodeError):
        return ""
