"""What a computation on fake tensors would allocate, operation by operation: the memory of a step without the memory.

torch's fake tensors have shapes, dtypes and storages that die like real ones, but no values. The tape sees every
operation, in the forward and in the backward pass, and notes when each new storage is born and when it dies.
"""

from __future__ import annotations

import weakref
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from hybridret.records import IntArray

_COPIES = (torch.ops.aten._to_copy.default,)
FOREVER = -1


@dataclass
class Allocation:
    """A storage of `size` bytes, alive during the operations `born` to `died`, both counted in (`FOREVER`: to the end).

    `copy`: of a weight, in another precision.
    """

    size: int
    born: int
    died: int
    copy: bool


class Tape(TorchDispatchMode):
    """Records inside the block. Storages of `weights` are not counted. `clock` is the number of operations so far."""

    def __init__(self, weights: Iterable[Tensor]) -> None:
        super().__init__()
        self.allocations: list[Allocation] = []
        self.clock = 0
        self._weights = {id(weight.untyped_storage()): weight.untyped_storage() for weight in weights}
        self._alive: dict[int, int] = {}  # id of a storage -> its number

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        self.clock += 1
        out = func(*args, **(kwargs or {}))
        copy = func in _COPIES and id(args[0].untyped_storage()) in self._weights
        for leaf in tree_leaves(out):
            if isinstance(leaf, Tensor):
                self._note(leaf.untyped_storage(), copy)
        return out

    def tick(self) -> int:
        """A moment between two operations: what is held then outlives the one before."""
        self.clock += 1
        return self.clock

    def number(self, tensor: Tensor) -> int | None:
        """The index in `allocations` of the storage of `tensor`, None where it was there before the tape."""
        return self._alive.get(id(tensor.untyped_storage()))

    def live(self, chosen: Iterable[int]) -> IntArray:
        """[clock + 1] int64: bytes held by the allocations with the numbers `chosen` during each operation."""
        change = np.zeros(self.clock + 2, dtype=np.int64)
        for number in chosen:
            one = self.allocations[number]
            change[one.born] += one.size
            if one.died != FOREVER:
                change[one.died + 1] -= one.size
        return np.cumsum(change)[:-1]

    def _note(self, storage: torch.UntypedStorage, copy: bool) -> None:
        key = id(storage)
        if key in self._weights or key in self._alive:
            return
        number = len(self.allocations)
        self.allocations.append(Allocation(storage.nbytes(), self.clock, FOREVER, copy))
        self._alive[key] = number
        weakref.finalize(storage, self._freed, key, number).atexit = False

    def _freed(self, key: int, number: int) -> None:
        self.allocations[number].died = self.clock
        del self._alive[key]
