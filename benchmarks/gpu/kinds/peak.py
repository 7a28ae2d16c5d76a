"""What the card itself reaches: large products in bf16 and fp32, and copies inside its memory."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import torch

from gpu.stopwatch import synchronise, timed


def run(options: Mapping[str, Any], device: str) -> dict[str, Any]:
    """FLOP/s of the best of several products of two square matrices, and bytes/s of a copy, read and written."""
    torch.set_float32_matmul_precision("highest")
    width = int(options["width"])
    source = torch.empty(int(options["bytes"]) // 4, dtype=torch.float32, device=device).normal_()
    target = torch.empty_like(source)
    return {
        "bf16_flops_per_second": _products(width, torch.bfloat16, device),
        "fp32_flops_per_second": _products(width // 2, torch.float32, device),
        "bytes_per_second": 2 * source.numel() * 4 / _best(lambda: target.copy_(source), 2, device),
    }


def _products(width: int, dtype: torch.dtype, device: str) -> float:
    left, right = (torch.randn(width, width, device=device, dtype=dtype) for _ in range(2))
    return 2 * width**3 / _best(lambda: left @ right, 5, device)


def _best(work: Callable[[], object], calls: int, device: str) -> float:
    """Seconds of one of `calls` calls, in the best of six rounds."""
    work()
    synchronise(device)

    def several() -> None:
        for _ in range(calls):
            work()

    return min(timed(several, device) for _ in range(6)) / calls
