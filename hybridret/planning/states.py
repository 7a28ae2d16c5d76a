"""What an optimizer keeps for each weight, and what it needs for a moment during its step."""

from __future__ import annotations

import functools

import torch

EIGHT_BIT = "adam8bit"
_BLOCK, _SMALLEST = 256, 4096  # torchao: values that share a scale; smaller tensors keep full states
_USUAL = 2  # states of an optimizer that is unknown here: as many as Adam's


def state_bytes(optimizer: str, numel: int, itemsize: int) -> int:
    """Bytes of the states of a weight of `numel` values of `itemsize` bytes, as one device holds it."""
    if optimizer == EIGHT_BIT:
        if numel >= _SMALLEST and numel % _BLOCK == 0:
            return 2 * (numel + numel // _BLOCK * 4)
        return 2 * numel * itemsize
    return round(states_per_weight(optimizer) * numel * itemsize)


@functools.cache
def states_per_weight(optimizer: str) -> float:
    """Values that `torch.optim`'s class of this name (in lower case) keeps per weight, seen on a small one; 2 where
    there is no such class, or where its step needs more than a gradient.
    """
    found = {name.lower(): kind for name, kind in vars(torch.optim).items() if isinstance(kind, type)}.get(optimizer)
    weight = torch.nn.Parameter(torch.zeros(64, 64))
    weight.grad = torch.zeros_like(weight)
    try:
        made = found([weight], lr=0.1) if found is not None else None
        if not isinstance(made, torch.optim.Optimizer):
            return _USUAL
        made.step()
    except (TypeError, ValueError, RuntimeError):
        return _USUAL
    return sum(one.numel() for one in made.state[weight].values() if torch.is_tensor(one)) // weight.numel()
