"""The loss and the gradient norm of a step, without the host waiting for them.

A host that reads a number of a step before its update lets the GPU idle until the update is launched. The optimizers of
torch with `fused=True` can decide on the GPU instead: gradients are divided by `grad_scale`, and nothing is changed
where `found_inf` is 1 (both were made for the scaling of fp16). Clipping then costs no pass over the gradients, and a
step with numbers that are not finite changes no weight, although the host learns of it later.
"""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor
from torch.optim import Optimizer

ASYNCHRONOUS = frozenset({"cuda"})  # types of devices that work on while the host goes on


class StepNumbers:
    """`loss` and `gradient_norm` of the last step that was read; `pending` [2] are those on the device."""

    def __init__(self) -> None:
        self.loss = self.gradient_norm = math.nan
        self.pending = torch.empty(0)
        self._copied = self.pending
        self._done: Any = None

    def launch(self, numbers: Tensor) -> None:
        """Start the copy of `numbers` [2], loss and norm, to the host."""
        self.pending = numbers
        self._copied = numbers.to("cpu", non_blocking=True)
        if numbers.is_cuda:
            self._done = torch.cuda.Event()  # type: ignore[no-untyped-call]
            self._done.record()

    def read(self) -> None:
        """Take over the numbers of the last `launch`; waits until they are there."""
        if self._done is not None:
            self._done.synchronize()
            self._done = None
        self.loss, self.gradient_norm = self._copied.tolist()

    @property
    def finite(self) -> bool:
        return math.isfinite(self.loss) and math.isfinite(self.gradient_norm)


def guards(optimizer: Optimizer) -> bool:
    """Whether `optimizer` can leave out an update by itself."""
    return bool(getattr(optimizer, "_step_supports_amp_scaling", False))


def guard(optimizer: Optimizer, numbers: Tensor, clip_norm: float | None) -> None:
    """Let the next step of `optimizer` clip to `clip_norm`, and change nothing unless `numbers` [2], loss and gradient
    norm, are finite.
    """
    device: Any = optimizer
    device.found_inf = (~torch.isfinite(numbers).all()).float()
    device.grad_scale = None if clip_norm is None else ((numbers[1] + 1e-6) / clip_norm).clamp(min=1.0)
