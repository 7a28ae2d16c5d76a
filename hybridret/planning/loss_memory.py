"""What the loss holds: scores, masks, gradients and whatever else; from a run on fake tensors."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch._subclasses.fake_tensor import FakeTensorMode

from hybridret.losses.loss import Loss
from hybridret.planning.tape import Tape

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
        _KEPT[key] = (loss, _measured(loss, queries, passages, dimension, dtype))
    return _KEPT[key][1]


def _measured(loss: Loss, queries: int, passages: int, dimension: int, dtype: torch.dtype) -> LossMemory:
    with FakeTensorMode(allow_non_fake_inputs=True):  # a loss may have tensors of its own
        sides = [torch.empty(rows, dimension, dtype=dtype, requires_grad=True) for rows in (queries, passages)]
        positives = torch.zeros(queries, dtype=torch.int64)
        groups = [torch.zeros(rows, dtype=torch.int64) for rows in (queries, passages)]
        with Tape([*sides, positives, *groups]) as tape:
            value = loss(sides[0], sides[1], positives, groups[0], groups[1])
            half = tape.tick()
            value.backward()  # type: ignore[no-untyped-call]
        gradients = {tape.number(side.grad) for side in sides if side.grad is not None}
    live = tape.live(number for number in range(len(tape.allocations)) if number not in gradients)
    return LossMemory(int(live[:half].max()), int(live[half:].max()))
