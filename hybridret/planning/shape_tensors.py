"""Tensors that have a shape and no storage, and the record of what a body of them allocates.

A `Buffer` stands for the storage of one or more of them and dies with the last tensor on it.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import torch
from torch import Tensor
from torch._subclasses.fake_tensor import FakeTensor

from hybridret.planning.tape import COPY, FOREVER, SUM, Allocation

_CPU = torch.device("cpu")
_LAYOUTS: dict[Any, Layout] = {}
_make = torch.Tensor._make_wrapper_subclass


class NotFollowed(Exception):
    """An operation whose answer depends on more than shapes."""


class Layout:
    """Shape, strides, offset and dtype: one object for equal ones, so that it is compared by its identity."""

    __slots__ = ("dtype", "offset", "shape", "strides")

    def __init__(self, shape: tuple[int, ...], strides: tuple[int, ...], offset: int, dtype: torch.dtype) -> None:
        self.shape, self.strides, self.offset, self.dtype = shape, strides, offset, dtype


class Buffer:
    """Stands for a storage of `size` bytes. `number` in the record that noted it."""

    __slots__ = ("number", "record", "size")

    def __init__(self, size: int) -> None:
        self.size = size
        self.number: int | None = None
        self.record: ShapeRecord | None = None

    def __del__(self) -> None:
        if self.number is not None and self.record is not None:
            self.record.allocations[self.number].died = self.record.clock


class ShapeTensor(FakeTensor):
    """A `FakeTensor` for whoever asks (transformers does, before it looks at values); its device costs no dispatch."""

    device = torch._C.TensorBase.device
    layout_of: Layout
    buffer: Buffer

    @classmethod
    def __torch_dispatch__(cls, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:  # type: ignore[override]
        raise NotFollowed(f"{func} outside of the mode")


class ShapeRecord:
    """As `Tape`, of shape tensors."""

    def __init__(self, weights: Iterable[Tensor]) -> None:
        self.allocations: list[Allocation] = []
        self.clock = 0
        self.weights = {one.buffer for one in weights if isinstance(one, ShapeTensor)}

    def number(self, tensor: Tensor) -> int | None:
        return tensor.buffer.number if isinstance(tensor, ShapeTensor) else None

    def note(self, func: Any, args: Any, leaves: Iterable[Any]) -> None:
        """The outputs of an operation."""
        copy = func is COPY and args[0].buffer in self.weights
        sum_of = None
        if func is SUM and torch._C._current_graph_task_id() != -1 and type(args[0]) is ShapeTensor:
            sum_of = args[0].buffer.number
        for leaf in leaves:
            if leaf is None:
                continue
            buffer = leaf.buffer
            if buffer.number is None and buffer not in self.weights:
                buffer.number, buffer.record = len(self.allocations), self
                self.allocations.append(Allocation(buffer.size, self.clock, FOREVER, copy, sum_of))


def shape_tensor(layout: Layout, buffer: Buffer) -> ShapeTensor:
    """A new tensor of that layout on `buffer`."""
    made: ShapeTensor = _make(
        ShapeTensor, layout.shape, layout.strides, layout.offset, None, layout.dtype, torch.strided, _CPU
    )
    made.layout_of = layout
    made.buffer = buffer
    return made


def layout_of(tensor: Tensor) -> Layout:
    """That of a real or a fake tensor. Raises NotFollowed for one that has no plain layout."""
    if tensor.layout is not torch.strided or tensor.device.type != "cpu" or tensor.is_conj() or tensor.is_neg():
        raise NotFollowed(f"a tensor of {tensor.layout} on {tensor.device}")
    parts = (tuple(tensor.shape), tensor.stride(), int(tensor.storage_offset()), tensor.dtype)
    if any(type(number) is not int for number in (*parts[0], *parts[1])):
        raise NotFollowed("a size that depends on values")
    return _LAYOUTS.setdefault(parts, Layout(*parts))
