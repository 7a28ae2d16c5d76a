"""What the numbers belong to: card, versions, and the state of the code."""

from __future__ import annotations

import hashlib
import os
import platform
import re
import subprocess
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent.parent
SOURCES = ("hybridret/**/*.py", "benchmarks/gpu/**/*.py", "conf/**/*.yaml")


def machine(device: str) -> dict[str, Any]:
    """Name and memory of the card, and the versions that results depend on."""
    import torch
    import transformers

    found = {
        "device": "CPU",
        "python": platform.python_version(),
        "torch": torch.__version__,
        "transformers": transformers.__version__,
        "cores": os.cpu_count(),
    }
    if device == "cuda":
        free, total = torch.cuda.mem_get_info()
        major, minor = torch.cuda.get_device_capability()
        found |= {
            "device": torch.cuda.get_device_name(),
            "memory_bytes": total,
            "free_bytes": free,
            "cuda": torch.version.cuda,
            "capability": f"{major}.{minor}",
        }
    return found


def code() -> dict[str, str | None]:
    """The commit, None without git, and a hash of the sources, which also sees what is not committed."""
    try:
        line = ["git", "rev-parse", "HEAD"]
        commit = subprocess.check_output(line, cwd=ROOT, text=True, stderr=subprocess.DEVNULL).strip()
    except (OSError, subprocess.CalledProcessError):
        commit = None
    total = hashlib.sha256()
    for path in sorted(path for pattern in SOURCES for path in ROOT.glob(pattern)):
        total.update(str(path.relative_to(ROOT)).encode() + path.read_bytes())
    return {"commit": commit, "sources": total.hexdigest()[:16]}


def folder_name(device: str) -> str:
    """`NVIDIA H200` -> `nvidia-h200`."""
    return re.sub(r"[^a-z0-9]+", "-", device.lower()).strip("-")
