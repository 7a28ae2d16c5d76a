"""The two kinds of tensors without values that a step is measured on: shape tensors, and torch's fake ones."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import TypeVar

from torch import Tensor
from torch._subclasses.fake_tensor import FakeTensorMode
from torch.utils.flop_counter import FlopCounterMode

from hybridret.planning.shape_tensors import NotFollowed
from hybridret.planning.shapes import ShapeMode
from hybridret.planning.tape import Record, Tape

Measured = TypeVar("Measured")


class FakeMode(FakeTensorMode):  # type: ignore[no-untyped-call]
    """Follows whatever torch's fake tensors follow, and is the slow twin of `ShapeMode`."""

    def __init__(self) -> None:
        super().__init__(allow_non_fake_inputs=True)  # a loss or a model may have tensors of its own

    def recording(self, weights: Iterable[Tensor]) -> AbstractContextManager[Record]:
        """Notes what is allocated in the block; `weights` are not counted."""
        return Tape(weights)

    @contextmanager
    def counting(self) -> Iterator[Callable[[], int]]:
        """FLOPs from the entry on."""
        with FlopCounterMode(display=False) as counter:
            yield counter.get_total_flops


Mode = FakeMode | ShapeMode


def mode(slow: bool) -> Mode:
    """`slow`: torch's fake tensors."""
    return FakeMode() if slow else ShapeMode()


def followed(measure: Callable[[bool], Measured]) -> Measured:
    """`measure(False)`, on shape tensors, or `measure(True)`, on torch's fake ones, where shapes do not tell."""
    try:
        return measure(False)
    except NotFollowed:
        return measure(True)
