"""Gathers the passages of all processes, with gradient: each process gets the gradient of its part from all others."""

from __future__ import annotations

from typing import Any

import torch
import torch.distributed as dist
from torch import Tensor

# torch 2.13 renamed both and warns of the old names; earlier releases have the old ones only.
_ALL_GATHER: Any = getattr(dist, "all_gather_single", None) or dist.all_gather_into_tensor
_REDUCE_SCATTER: Any = getattr(dist, "reduce_scatter_single", None) or dist.reduce_scatter_tensor


def gather_rows(rows: Tensor) -> Tensor:
    """[n, D] of each of W processes -> [W n, D], process by process; n is the same everywhere.

    The gradient with respect to these rows is summed over all processes (docs/pitfalls.md#gathered-gradients).
    """
    gathered: Tensor = _Gather.apply(rows)  # type: ignore[no-untyped-call]
    return gathered


class _Gather(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, rows: Tensor) -> Tensor:
        gathered = rows.new_empty((len(rows) * dist.get_world_size(), *rows.shape[1:]))
        _ALL_GATHER(gathered, rows.contiguous())
        return gathered

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> Any:
        own = gradients[0].new_empty((len(gradients[0]) // dist.get_world_size(), *gradients[0].shape[1:]))
        _REDUCE_SCATTER(own, gradients[0].contiguous())
        return own
