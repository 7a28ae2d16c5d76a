"""What a step asks of a GPU, counted on a CPU: kernels that it launches, and moments at which the host would wait.

A host that waits for a value (`.item()`, `.tolist()`, `if tensor:`, a mask used as an index) cannot launch the next
kernels meanwhile, so the GPU idles. On a CPU all of these work at once and are not noticed; they are counted here by
what is asked of torch: operations by a dispatch mode, and conversions to Python, which reach no operation where the
tensor is on a CPU already, by a function mode.

Counted as a wait: values that Python reads, and operations whose result has a shape that depends on values. Counted as
a copy: tensors that are made from Python values or arrays, and moves to another device.
"""

from __future__ import annotations

import traceback
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from types import TracebackType
from typing import Any

import torch
from torch import Tensor
from torch.overrides import TorchFunctionMode
from torch.utils._python_dispatch import TorchDispatchMode

READS = frozenset({"item", "tolist", "numpy", "cpu", "__bool__", "__int__", "__float__", "__index__", "__array__"})
ASKS = frozenset({
    "aten::_local_scalar_dense", "aten::nonzero", "aten::masked_select", "aten::_unique2", "aten::unique_dim",
    "aten::unique_consecutive", "aten::bincount", "aten::equal", "aten::is_nonzero", "aten::_unique",
})  # fmt: skip
#: Change only how a tensor is read, or reserve memory: no kernel.
VIEWS = frozenset({
    "aten::view", "aten::_unsafe_view", "aten::reshape", "aten::_reshape_alias", "aten::t", "aten::transpose",
    "aten::permute", "aten::expand", "aten::squeeze", "aten::unsqueeze", "aten::slice", "aten::select", "aten::split",
    "aten::split_with_sizes", "aten::unbind", "aten::detach", "aten::alias", "aten::as_strided", "aten::view_as",
    "aten::unfold", "aten::diagonal", "aten::empty", "aten::empty_like", "aten::empty_strided", "aten::new_empty",
    "aten::new_empty_strided", "aten::lift_fresh", "aten::set_", "aten::movedim", "aten::chunk", "aten::flatten",
    "aten::unflatten", "aten::_to_copy_view",
})  # fmt: skip


class Launches:
    """`with Launches() as found:` -> `found.kernels`, `found.waits` and `found.copies`, each a Counter by name.

    `fp32` counts the kernels with a result of 32 bits of at least two dimensions. `where` has, for each wait and copy,
    the lines of the program that asked for it, innermost last.
    """

    def __init__(self) -> None:
        self.kernels: Counter[str] = Counter()
        self.fp32: Counter[str] = Counter()
        self.waits: Counter[str] = Counter()
        self.copies: Counter[str] = Counter()
        self.where: list[tuple[str, list[str]]] = []
        self._modes: tuple[Any, ...] = (_Functions(self), _Operations(self))
        self._inside = self._paused = False  # inside: a function that was counted, and asks by an operation

    def __enter__(self) -> Launches:
        for one in self._modes:
            one.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for one in reversed(self._modes):
            one.__exit__(kind, error, trace)

    @contextmanager
    def paused(self) -> Iterator[None]:
        """Nothing is counted inside: work on tensors that would be on the host."""
        before, self._paused = self._paused, True
        try:
            yield
        finally:
            self._paused = before

    def wait(self, name: str) -> None:
        """Count a wait of the host."""
        self.waits[name] += 1
        self.where.append((name, _lines()))

    def copy(self, name: str) -> None:
        """Count a copy between host and device."""
        self.copies[name] += 1
        self.where.append((name, _lines()))


class _Functions(TorchFunctionMode):
    def __init__(self, found: Launches) -> None:
        super().__init__()
        self._found = found

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        name = getattr(func, "__name__", "")
        read = name in READS and bool(args) and isinstance(args[0], Tensor)
        if not read or self._found._paused:
            return func(*args, **(kwargs or {}))
        found = self._found
        if not found._inside:
            found.wait(name)
        outer, found._inside = found._inside, True
        try:
            return func(*args, **(kwargs or {}))
        finally:
            found._inside = outer


class _Operations(TorchDispatchMode):  # type: ignore[no-untyped-call]
    def __init__(self, found: Launches) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._found = found

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        out = func(*args, **(kwargs or {}))
        name, _, _ = func._schema.name.partition(".")
        found = self._found
        if name.startswith("prim::") or found._paused:
            return out
        if name == "aten::lift_fresh":  # torch.tensor, torch.as_tensor, torch.from_numpy
            found.copy("from the host")
        elif _moves(name, args, out):
            found.copy("between devices")
        elif _asks(name, args, kwargs or {}) and not found._inside:
            found.wait(name)
        if name not in VIEWS and name not in ("aten::_local_scalar_dense",):
            found.kernels[name] += 1
            if isinstance(out, Tensor) and out.dtype == torch.float32 and out.ndim >= 2:
                found.fp32[name] += 1
        return out


def _asks(name: str, args: Any, kwargs: Any) -> bool:
    """Whether the host waits for this operation on a GPU."""
    if name in ASKS:
        return True
    if name == "aten::repeat_interleave":  # its size is a sum of values, unless it is given
        return kwargs.get("output_size") is None
    if name in ("aten::index", "aten::index_put", "aten::index_put_", "aten::_index_put_impl_"):
        return any(isinstance(one, Tensor) and one.dtype in (torch.bool, torch.uint8) for one in args[1])
    return False


def _moves(name: str, args: Any, out: Any) -> bool:
    if name == "aten::_to_copy":
        return bool(args[0].device != out.device)
    if name == "aten::copy_":
        return bool(args[0].device != args[1].device)
    return False


def _lines() -> list[str]:
    """Where the program stands, without torch and without this file; innermost last."""
    found = [one for one in traceback.extract_stack() if "/torch/" not in one.filename and one.filename != __file__]
    return [f"{one.filename}:{one.lineno} {one.line}" for one in found][-6:]
