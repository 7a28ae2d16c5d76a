"""What an operation makes of shapes, asked of torch's own fake tensors: layouts, shared storages, bytes and FLOPs."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch._subclasses.fake_tensor import FakeTensorMode
from torch.utils.flop_counter import FlopCounterMode, flop_registry

from hybridret.planning.shape_tensors import Layout, NotFollowed, ShapeTensor, layout_of


@dataclass(frozen=True)
class Output:
    """One tensor of an answer. `argument`: where the argument stands that it is (`same`) or shares its storage with;
    else a new storage of `size` bytes, which outputs with the same `fresh` share.
    """

    layout: Layout
    argument: tuple[int, ...] | None
    same: bool
    fresh: int
    size: int


@dataclass(frozen=True)
class Answer:
    """What an operation returns. `kind`: Tensor, tuple, list, None, or that of `value`, where no tensor is involved."""

    outputs: tuple[Output | None, ...]
    kind: type
    flops: int
    value: Any = None


def asked(func: Any, args: Any, kwargs: Any) -> Answer:
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
        before = [layout_of(one) for _, one in tensors]
        try:
            out = func(*given, **named)
        except Exception as error:  # torch's fake tensors are asked again, and their error is the one that is seen
            raise NotFollowed(str(func)) from error
        if [layout_of(one) for _, one in tensors] != before:
            raise NotFollowed(f"{func} changes the shape of an argument")
        kind = Tensor if isinstance(out, Tensor) else type(out)
        if kind in (int, float, bool) and not tensors:
            return Answer((), kind, 0, out)
        if kind not in (Tensor, tuple, list, type(None)):
            raise NotFollowed(f"{func} returns a {kind.__name__}")
        leaves = [out] if kind is Tensor else list(out or ())
        storages: list[int] = []
        return Answer(
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


def _output(func: Any, out: Any, tensors: list[Any], storages: list[int]) -> Output | None:
    if out is None:
        return None
    if not isinstance(out, Tensor):
        raise NotFollowed(f"{func} returns a {type(out).__name__} among others")
    layout, storage = layout_of(out), out.untyped_storage()
    for path, one in tensors:
        if out is one or storage._cdata == one.untyped_storage()._cdata:
            if path is None:
                raise NotFollowed(f"{func} returns what it was given by name")
            return Output(layout, path, out is one, 0, 0)
    if storage._cdata not in storages:
        storages.append(storage._cdata)
    return Output(layout, None, False, storages.index(storage._cdata), storage.nbytes())


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
