"""Integer tensors that lie in one, so that they are copied to a device at once, without the host waiting."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor


class Bundle:
    """int64 tensors of any shapes in one tensor `flat`; `shapes` cut it."""

    def __init__(self, flat: Tensor, shapes: Sequence[tuple[int, ...]]) -> None:
        self.flat, self.shapes = flat, tuple(shapes)

    @classmethod
    def of(cls, tensors: Sequence[Tensor]) -> Bundle:
        """A copy of `tensors` in one. Raises ValueError for a tensor that is not int64."""
        if wrong := [one.dtype for one in tensors if one.dtype != torch.int64]:
            raise ValueError(f"a bundle holds int64, not {wrong[0]}")
        return cls(torch.cat([one.reshape(-1) for one in tensors]), [tuple(one.shape) for one in tensors])

    def tensors(self) -> list[Tensor]:
        """The tensors, as views."""
        sizes = [torch.Size(shape).numel() for shape in self.shapes]
        return [part.view(shape) for part, shape in zip(torch.split(self.flat, sizes), self.shapes, strict=True)]

    def pinned(self) -> Bundle:
        """The same in memory from which a GPU copies by itself."""
        return Bundle(self.flat.pin_memory(), self.shapes)

    def to(self, device: torch.device | str) -> Bundle:
        """The same on `device`: one copy, for which the host does not wait if the memory is pinned."""
        return Bundle(self.flat.to(device, non_blocking=True), self.shapes)
