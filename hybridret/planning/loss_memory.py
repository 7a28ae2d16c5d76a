"""What the loss holds: scores, masks, gradients and whatever else; from a run on fake tensors."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

import torch

from hybridret.losses.loss import Loss
from hybridret.planning.modes import followed, mode
from hybridret.planning.tape import live, tick

_Key = tuple[int, int, int, int, torch.dtype]


@dataclass(frozen=True)
class LossMemory:
    """Bytes at the most in the forward and in the backward pass, vectors themselves and their gradients left out."""

    forward: int
    backward: int


_KEPT: dict[_Key, tuple[Loss, LossMemory]] = {}  # the loss too: its id is no other's while it is kept


def loss_memory(loss: Loss, queries: int, passages: int, dimension: int, dtype: torch.dtype) -> LossMemory:
    """Of `loss` on `queries` against `passages`; the same object is run once."""
    key = (id(loss), queries, passages, dimension, dtype)
    if key not in _KEPT:
        _KEPT[key] = (loss, followed(partial(_measured, loss, queries, passages, dimension, dtype)))
    return _KEPT[key][1]


def _measured(loss: Loss, queries: int, passages: int, dimension: int, dtype: torch.dtype, slow: bool) -> LossMemory:
    with mode(slow) as tensors:
        sides = [torch.empty(rows, dimension, dtype=dtype, requires_grad=True) for rows in (queries, passages)]
        positives = torch.zeros(queries, dtype=torch.int64)
        groups = [torch.zeros(rows, dtype=torch.int64) for rows in (queries, passages)]
        with tensors.recording([*sides, positives, *groups]) as tape:
            value = loss(sides[0], sides[1], positives, groups[0], groups[1])
            half = tick(tape)
            value.backward()  # type: ignore[no-untyped-call]
        gradients = {tape.number(side.grad) for side in sides if side.grad is not None}
    held = live(tape, (number for number in range(len(tape.allocations)) if number not in gradients))
    return LossMemory(int(held[:half].max()), int(held[half:].max()))
