"""Shape tensors: torch's fake tensors, a few times as fast.

What an operation makes of shapes is asked of `FakeTensorMode` once and kept: shapes, strides, dtypes, which outputs
share the storage of an argument, how many bytes a new one has, how many FLOPs it takes. From then on the answer is
looked up. A shape tensor has no storage of its own; `Buffer` is what stands for it and dies with the last tensor on it.

What cannot be kept (values, sizes that depend on values, arguments that change their shape) ends in `NotFollowed`:
such a body is measured on fake tensors (`planning/tape.py`), which are also the slow twin in the tests.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch._subclasses.fake_tensor import FakeTensor, FakeTensorMode
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.flop_counter import FlopCounterMode, flop_registry

from hybridret.planning.tape import COPY, FOREVER, SUM, Allocation

_CPU = torch.device("cpu")
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


@dataclass(frozen=True)
class _Output:
    """`argument`: where the argument stands that it is (`same`) or shares its storage with; else a new storage of
    `size` bytes, which outputs with the same `fresh` share.
    """

    layout: Layout
    argument: tuple[int, ...] | None
    same: bool
    fresh: int
    size: int


@dataclass(frozen=True)
class _Answer:
    """`kind`: of what is returned, Tensor, tuple, list or None, or of `value`, where no tensor is involved."""

    outputs: tuple[_Output | None, ...]
    kind: type
    flops: int
    value: Any = None


_LAYOUTS: dict[Any, Layout] = {}
_ANSWERS: dict[Any, _Answer] = {}


class ShapeMode(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Inside the block every tensor that is made is a shape tensor."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._flops = 0
        self._failed: NotFollowed | None = None  # also where somebody catches it on the way
        self._record: ShapeRecord | None = None

    @contextmanager
    def recording(self, weights: Iterable[Tensor]) -> Iterator[ShapeRecord]:
        """Notes what is allocated in the block; `weights` are not counted."""
        self._record = ShapeRecord(weights)
        try:
            yield self._record
        finally:
            self._record = None

    @contextmanager
    def counting(self) -> Iterator[Callable[[], int]]:
        """FLOPs from the entry on."""
        begun = self._flops
        yield lambda: self._flops - begun

    def __exit__(self, kind: Any, error: Any, trace: Any) -> None:
        super().__exit__(kind, error, trace)  # type: ignore[no-untyped-call]
        if kind is None and self._failed is not None:
            raise self._failed

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        record = self._record
        if record is not None:
            record.clock += 1
        key = [func]
        _keyed(args, key)
        if kwargs:
            for name, value in kwargs.items():
                key.append(name)
                _keyed((value,), key)
        hashed = tuple(key)
        answer = _ANSWERS.get(hashed)
        if answer is None:
            try:
                answer = _ANSWERS[hashed] = _asked(func, args, kwargs or {})
            except NotFollowed as error:
                self._failed = error
                raise
        self._flops += answer.flops
        leaves: list[Any] = []
        buffers: dict[int, Buffer] = {}
        for out in answer.outputs:
            if out is None:
                leaves.append(None)
                continue
            source = None
            if out.argument is not None:
                source = args
                for index in out.argument:
                    source = source[index]
                if out.same:
                    leaves.append(source)
                    continue
                buffer = source.buffer
            else:
                found = buffers.get(out.fresh)
                buffer = buffers[out.fresh] = Buffer(out.size) if found is None else found
            leaves.append(_tensor(out.layout, buffer))
        if record is not None:
            record.note(func, args, leaves)
        if answer.kind is Tensor:
            return leaves[0]
        return answer.kind(leaves) if answer.kind in (tuple, list) else answer.value


def _tensor(layout: Layout, buffer: Buffer) -> ShapeTensor:
    made: ShapeTensor = _make(
        ShapeTensor, layout.shape, layout.strides, layout.offset, None, layout.dtype, torch.strided, _CPU
    )
    made.layout_of = layout
    made.buffer = buffer
    return made


def _keyed(values: Iterable[Any], key: list[Any]) -> None:
    """Append what tells `values` apart: 1 is neither 1.0 nor True, and a list no loose values."""
    for value in values:
        kind = type(value)
        if kind is ShapeTensor:
            key.append(value.layout_of)
        elif kind is list or kind is tuple:
            key.append(len(value))
            key.append(kind)
            _keyed(value, key)
        elif isinstance(value, Tensor):
            key.append(("real", _layout(value)))
        else:
            key.append(kind)
            key.append(value)


def _layout(tensor: Tensor) -> Layout:
    if tensor.layout is not torch.strided or tensor.device.type != "cpu" or tensor.is_conj() or tensor.is_neg():
        raise NotFollowed(f"a tensor of {tensor.layout} on {tensor.device}")
    parts = (tuple(tensor.shape), tensor.stride(), int(tensor.storage_offset()), tensor.dtype)
    if any(type(number) is not int for number in (*parts[0], *parts[1])):
        raise NotFollowed("a size that depends on values")
    return _LAYOUTS.setdefault(parts, Layout(*parts))


def _asked(func: Any, args: Any, kwargs: Any) -> _Answer:
    """What torch's own fake tensors say. Raises NotFollowed where shapes alone do not decide."""
    tensors: list[tuple[tuple[int, ...] | None, Tensor]] = []  # of each tensor, with its fake one
    with _fake_mode() as mode:

        def faked(value: Any, path: tuple[int, ...] | None) -> Any:
            if type(value) is list or type(value) is tuple:
                inner = [faked(one, None if path is None else (*path, at)) for at, one in enumerate(value)]
                return type(value)(inner)
            if isinstance(value, Tensor):
                value = _fake(value.layout_of) if isinstance(value, ShapeTensor) else mode.from_tensor(value)
                tensors.append((path, value))
            return value

        given = [faked(value, (at,)) for at, value in enumerate(args)]
        named = {name: faked(value, None) for name, value in kwargs.items()}
        before = [_layout(one) for _, one in tensors]
        try:
            out = func(*given, **named)
        except Exception as error:  # torch's fake tensors are asked again, and their error is the one that is seen
            raise NotFollowed(str(func)) from error
        if [_layout(one) for _, one in tensors] != before:
            raise NotFollowed(f"{func} changes the shape of an argument")
        kind = Tensor if isinstance(out, Tensor) else type(out)
        if kind in (int, float, bool) and not tensors:
            return _Answer((), kind, 0, out)
        if kind not in (Tensor, tuple, list, type(None)):
            raise NotFollowed(f"{func} returns a {kind.__name__}")
        leaves = [out] if kind is Tensor else list(out or ())
        storages: list[int] = []
        return _Answer(
            tuple(_output(func, one, tensors, storages) for one in leaves), kind, _flops(func, given, named, out)
        )


@functools.cache
def _fake_mode() -> FakeTensorMode:
    return FakeTensorMode(allow_non_fake_inputs=True)


def _fake(layout: Layout) -> Tensor:
    if not layout.offset:
        return torch.empty_strided(layout.shape, layout.strides, dtype=layout.dtype)
    length = 1 + sum((size - 1) * stride for size, stride in zip(layout.shape, layout.strides, strict=True))
    whole = torch.empty(layout.offset + length if 0 not in layout.shape else layout.offset, dtype=layout.dtype)
    return whole.as_strided(layout.shape, layout.strides, layout.offset)


def _output(func: Any, out: Any, tensors: list[Any], storages: list[int]) -> _Output | None:
    if out is None:
        return None
    if not isinstance(out, Tensor):
        raise NotFollowed(f"{func} returns a {type(out).__name__} among others")
    layout, storage = _layout(out), out.untyped_storage()
    for path, one in tensors:
        if out is one or storage._cdata == one.untyped_storage()._cdata:
            if path is None:
                raise NotFollowed(f"{func} returns what it was given by name")
            return _Output(layout, path, out is one, 0, 0)
    if storage._cdata not in storages:
        storages.append(storage._cdata)
    return _Output(layout, None, False, storages.index(storage._cdata), storage.nbytes())


def _flops(func: Any, args: Any, kwargs: Any, out: Any) -> int:
    """As torch's `FlopCounterMode`, which takes apart what is defined by other operations."""
    counted = flop_registry.get(func._overloadpacket)
    if counted is not None:
        return int(counted(*args, **kwargs, out_val=out))
    if not torch._C._dispatch_has_kernel_for_dispatch_key(func.name(), "CompositeImplicitAutograd"):
        return 0
    with FlopCounterMode(display=False) as counter:
        func(*args, **kwargs)
    return int(counter.get_total_flops())
