"""What the loss holds, scores of all queries and passages, mask and gradients; from a run on fake tensors."""

from __future__ import annotations

import functools
from dataclasses import dataclass

import torch
from torch._subclasses.fake_tensor import FakeTensorMode

from hybridret.losses.infonce import InfoNCE
from hybridret.planning.tape import Tape


@dataclass(frozen=True)
class LossMemory:
    """Bytes at the most in the forward and in the backward pass, vectors themselves and their gradients left out."""

    forward: int
    backward: int


@functools.cache
def loss_memory(queries: int, passages: int, dimension: int, dtype: torch.dtype) -> LossMemory:
    """InfoNCE with masks, of `queries` against `passages`."""
    with FakeTensorMode():
        sides = [torch.empty(rows, dimension, dtype=dtype, requires_grad=True) for rows in (queries, passages)]
        positives = torch.zeros(queries, dtype=torch.int64)
        groups = [torch.zeros(rows, dtype=torch.int64) for rows in (queries, passages)]
        with Tape([*sides, positives, *groups]) as tape:
            loss = InfoNCE()(sides[0], sides[1], positives, groups[0], groups[1])
            half = tape.tick()
            loss.backward()  # type: ignore[no-untyped-call]
        gradients = {tape.number(side.grad) for side in sides if side.grad is not None}
    live = tape.live(number for number in range(len(tape.allocations)) if number not in gradients)
    return LossMemory(int(live[:half].max()), int(live[half:].max()))
