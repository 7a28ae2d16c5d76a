"""The GPUs that a plan knows: memory and dense bf16 peak from the vendor's data sheets (without sparsity)."""

from __future__ import annotations

import re
from dataclasses import dataclass

import torch

from hybridret.base.errors import UserError, nearest


@dataclass(frozen=True)
class Gpu:
    """`memory_bytes`: what a process can allocate, a little less than in the name; `bf16_flops` and `fp32_flops` per
    second, dense.
    """

    name: str
    memory_bytes: int
    bf16_flops: float
    fp32_flops: float

    def flops(self, precision: str) -> float:
        """The peak for matrix products of a training in `precision` (Lightning's word): 16 bits, else fp32."""
        return self.bf16_flops if "16" in precision else self.fp32_flops


GIB = 2**30
GPUS = {
    # Usable memory as torch.cuda.get_device_properties reports it, rounded down.
    "h200": Gpu("h200", int(139.8 * GIB), 989.4e12, 66.9e12),
    "h100": Gpu("h100", int(79.1 * GIB), 989.4e12, 66.9e12),
    "a100": Gpu("a100", int(79.1 * GIB), 312.0e12, 19.5e12),
    "l40s": Gpu("l40s", int(44.4 * GIB), 362.05e12, 91.6e12),
}


def gpu_by_name(name: str) -> Gpu:
    """Raises UserError for a name that is not in `GPUS`."""
    if name not in GPUS:
        raise UserError(f"plan.gpus: no GPU is called {name!r} here. {nearest(name, GPUS)}")
    return GPUS[name]


def gpu_here(index: int) -> Gpu | None:
    """The GPU that torch sees under `index`; speeds of its kind where `GPUS` knows it, else 1."""
    if not torch.cuda.is_available() or index >= torch.cuda.device_count():
        return None
    found = torch.cuda.get_device_properties(index)
    words = re.split(r"[^a-z0-9]+", found.name.lower())
    like = next((gpu for name, gpu in GPUS.items() if name in words), Gpu("", 0, 1.0, 1.0))
    return Gpu(found.name, int(found.total_memory), like.bf16_flops, like.fp32_flops)
