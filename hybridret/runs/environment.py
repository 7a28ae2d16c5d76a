"""The environment of a run: versions, hardware, and the commit of the code, for `environment.json`."""

from __future__ import annotations

import os
import platform
import subprocess
import sys
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

PACKAGES = (
    "hybridret", "torch", "pytorch-lightning", "transformers", "tokenizers", "safetensors", "datasets", "numpy",
    "scipy", "pandas", "pyarrow", "hydra-core", "omegaconf", "wandb", "babel", "faiss-cpu", "faiss-gpu-cu12",
)  # fmt: skip


def environment() -> dict[str, Any]:
    """Python, platform, package versions, processor, memory in bytes, accelerators, git commit of the code; in a
    SLURM job also `slurm`: job, restarts, nodes, as SLURM gives them.

    Accelerators are listed only when torch is imported already; importing it here would cost seconds.
    """
    return {
        "python": platform.python_version(),
        "platform": platform.platform(),
        "packages": {name: found for name in PACKAGES if (found := _version(name)) is not None},
        "cpu": _cpu_model(),
        "cores": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count(),
        "memory": _memory(),
        "gpus": _gpus(),
        "git": _git(Path(__file__).resolve().parent.parent),
        **_slurm(),
    }


def _slurm() -> dict[str, Any]:
    names = {"job": "SLURM_JOB_ID", "restarts": "SLURM_RESTART_COUNT", "nodes": "SLURM_JOB_NODELIST"}
    found = {key: os.environ[name] for key, name in names.items() if os.environ.get(name)}
    return {"slurm": found} if "job" in found else {}


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def _cpu_model() -> str:
    try:
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    except OSError:
        pass  # not Linux
    return platform.processor() or platform.machine()


def _memory() -> int | None:
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (OSError, ValueError):
        return None


def _gpus() -> list[dict[str, Any]]:
    torch = sys.modules.get("torch")
    if torch is None or not torch.cuda.is_available():
        return []
    found = [torch.cuda.get_device_properties(index) for index in range(torch.cuda.device_count())]
    return [{"name": one.name, "memory": one.total_memory} for one in found]


def _git(package: Path) -> dict[str, Any] | None:
    """The commit that the package comes from and whether files differ from it; None outside a checkout of it."""
    if _run(package, "ls-files", "--error-unmatch", "__init__.py") is None:
        return None  # installed, maybe inside the checkout of another project, whose commit is irrelevant
    commit = _run(package, "rev-parse", "HEAD")
    changes = _run(package, "status", "--porcelain", "--untracked-files=no")
    return None if commit is None else {"commit": commit, "dirty": bool(changes)}


def _run(folder: Path, *arguments: str) -> str | None:
    command = ["git", "-C", str(folder), *arguments]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=10, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout.strip() if done.returncode == 0 else None
