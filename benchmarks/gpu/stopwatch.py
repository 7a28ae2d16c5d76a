"""Seconds of work on a device, from and to a moment in which it has nothing to do."""

from __future__ import annotations

import resource
import time
from collections.abc import Callable

import torch


def synchronise(device: str) -> None:
    if device == "cuda":
        torch.cuda.synchronize()


def timed(work: Callable[[], object], device: str) -> float:
    synchronise(device)
    begin = time.perf_counter()
    work()
    synchronise(device)
    return time.perf_counter() - begin


def peak_bytes(device: str) -> int:
    """The most that tensors took since `forget_peak`; on a CPU the most that this process ever held."""
    if device == "cuda":
        return int(torch.cuda.max_memory_allocated())
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def forget_peak(device: str) -> None:
    if device == "cuda":
        torch.cuda.reset_peak_memory_stats()
