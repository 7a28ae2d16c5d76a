"""The memory of the machine that a point runs on: of its GPU, or what a process may still take on the CPU."""

from __future__ import annotations

import os
import re
from pathlib import Path

import torch

from hybridret.planning.gpus import GPUS, Gpu


def gpu_here(index: int) -> Gpu | None:
    """The GPU that torch sees under `index`; speeds of its kind where `GPUS` knows it, else 1."""
    if not torch.cuda.is_available() or index >= torch.cuda.device_count():
        return None
    found = torch.cuda.get_device_properties(index)
    words = re.split(r"[^a-z0-9]+", found.name.lower())
    like = next((gpu for name, gpu in GPUS.items() if name in words), Gpu("", 0, 1.0, 1.0))
    return Gpu(found.name, int(found.total_memory), like.bf16_flops, like.fp32_flops)


def available_memory(root: Path = Path("/")) -> int:
    """Bytes that a new process may take: what the kernel calls available, or what a container's limit leaves."""
    found = [free for free in (_of_kernel(root), *_of_cgroups(root)) if free is not None]
    return min(found) if found else os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")


def _of_kernel(root: Path) -> int | None:
    match = re.search(r"MemAvailable:\s+(\d+) kB", _text(root / "proc/meminfo"))
    return None if match is None else int(match[1]) * 1024


def _of_cgroups(root: Path) -> list[int]:
    """What each group that this process is in leaves, by version 2 and 1 of the interface."""
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
