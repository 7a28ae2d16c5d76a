"""What a computation on fake tensors would allocate, operation by operation: the memory of a step without the memory.

torch's fake tensors have shapes, dtypes and storages that die like real ones, but no values. The tape sees every
operation, in the forward and in the backward pass, and notes when each new storage is born and when it dies.
"""

from __future__ import annotations

import weakref
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import torch
from torch import Tensor
from torch._subclasses.fake_tensor import FakeTensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from hybridret.base.records import IntArray

COPY = torch.ops.aten._to_copy.default
SUM = torch.ops.aten.add.Tensor
_DEVICE = torch.ops.prim.device.default
FOREVER = -1


@dataclass
class Allocation:
    """A storage of `size` bytes, alive during the operations `born` to `died`, both counted in (`FOREVER`: to the end).

    `copy`: of a weight, in another precision. `sum_of`: the number of the running sum that it continues.
    """

    size: int
    born: int
    died: int
    copy: bool
    sum_of: int | None


class Record(Protocol):
    """What was allocated. `clock` is the number of operations so far."""

    allocations: list[Allocation]
    clock: int

    def number(self, tensor: Tensor) -> int | None:
        """The index in `allocations` of the storage of `tensor`, None where it was there before the record."""
        ...


def tick(record: Record) -> int:
    """A moment between two operations: what is held then outlives the one before."""
    record.clock += 1
    return record.clock


def live(record: Record, chosen: Iterable[int]) -> IntArray:
    """[clock + 1] int64: bytes held by the allocations with the numbers `chosen` during each operation."""
    change = np.zeros(record.clock + 3, dtype=np.int64)
    for number in chosen:
        one = record.allocations[number]
        change[one.born + _in_place(record, one)] += one.size
        if one.died != FOREVER:
            change[one.died + 1] -= one.size
    return np.cumsum(change)[:-2]


def _in_place(record: Record, one: Allocation) -> bool:
    if one.sum_of is None:
        return False
    running = record.allocations[one.sum_of]
    return running.died == one.born and running.size == one.size


class Tape(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Records inside the block. Storages of `weights` are not counted."""

    def __init__(self, weights: Iterable[Tensor]) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.allocations: list[Allocation] = []
        self.clock = 0
        self._weights = {id(weight.untyped_storage()): weight.untyped_storage() for weight in weights}
        self._alive: dict[int, int] = {}  # id of a storage -> its number
        self._sums: dict[int, int] = {}

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        if func is _DEVICE:  # a question, two thirds of all calls: answered as the fake mode does, without going there
            one = args[0]
            if type(one) is FakeTensor and not one.fake_mode.in_kernel_invocation:
                return one.fake_device
            return func(*args, **(kwargs or {}))
        self.clock += 1
        out = func(*args, **(kwargs or {}))
        copy = func is COPY and id(args[0].untyped_storage()) in self._weights
        if func is SUM and torch._C._current_graph_task_id() != -1 and isinstance(args[0], Tensor):
            self._summed(args[0], out)
        for leaf in tree_leaves(out):
            if isinstance(leaf, Tensor):
                self._note(leaf.untyped_storage(), copy)
        return out

    def number(self, tensor: Tensor) -> int | None:
        return self._alive.get(id(tensor.untyped_storage()))

    def _summed(self, running: Tensor, out: Tensor) -> None:
        """In the backward pass autograd adds gradients in place where nobody else has the running sum, but never fake
        ones: the sum is then born when the running one is gone.
        """
        number = self.number(running)
        if number is not None:
            self._sums[id(out.untyped_storage())] = number

    def _note(self, storage: torch.UntypedStorage, copy: bool) -> None:
        key = id(storage)
        if key in self._weights or key in self._alive:
            return
        number = len(self.allocations)
        self.allocations.append(Allocation(storage.nbytes(), self.clock, FOREVER, copy, self._sums.pop(key, None)))
        self._alive[key] = number
        weakref.finalize(storage, self._freed, key, number).atexit = False

    def _freed(self, key: int, number: int) -> None:
        self.allocations[number].died = self.clock
        del self._alive[key]
