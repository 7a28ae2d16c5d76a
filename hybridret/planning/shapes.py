"""Shape tensors: torch's fake tensors, a few times as fast.

What an operation makes of shapes is asked of `FakeTensorMode` once and kept: shapes, strides, dtypes, which outputs
share the storage of an argument, how many bytes a new one has, how many FLOPs it takes. From then on the answer is
looked up.

What cannot be kept (values, sizes that depend on values, arguments that change their shape) ends in `NotFollowed`:
such a body is measured on fake tensors (`planning/tape.py`), which are also the slow twin in the tests.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any

from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode

from hybridret.planning.shape_answers import Answer, asked
from hybridret.planning.shape_tensors import Buffer, NotFollowed, ShapeRecord, ShapeTensor, layout_of, shape_tensor

_ANSWERS: dict[Any, Answer] = {}


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
                answer = _ANSWERS[hashed] = asked(func, args, kwargs or {})
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
            leaves.append(shape_tensor(out.layout, buffer))
        if record is not None:
            record.note(func, args, leaves)
        if answer.kind is Tensor:
            return leaves[0]
        return answer.kind(leaves) if answer.kind in (tuple, list) else answer.value


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
            key.append(("real", layout_of(value)))
        else:
            key.append(kind)
            key.append(value)
