"""The GPU that a point runs on."""

from __future__ import annotations

import re

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
