"""An exponential average of the trained weights at a constant rate, which is validated and kept as `best`.

    average <- 2^(-b / h) average + (1 - 2^(-b / h)) weights        after every step, b pairs of a step, half-life h

With a constant learning rate it does what a decay of the rate does, the noise of single steps is averaged out, but no
length of the training must be known beforehand: every step of one run is the end of a shorter one. Curves of loss
against steps can then be read off single runs (Zhang et al. 2024, arXiv 2410.21676, whose critical batch sizes rest on
this). The half-life is in pairs and not in steps, so that one value means the same for every batch size: a decay of
.999 would average over eight times as much data at batch 1,024 as at 128.

The update is torch's (`get_ema_multi_avg_fn`). Neither its AveragedModel nor Lightning's WeightAveraging fits: both
copy the frozen weights, too; Lightning swaps only in its own validation loop, which is not used here, writes the
average in the place of the weights into `last.ckpt`, and leaves it in the model at the end.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytorch_lightning as pl
import torch
from torch import Tensor, nn
from torch.optim.swa_utils import get_ema_multi_avg_fn

from hybridret.base.errors import UserError
from hybridret.training.callback import StepCallback, ends_step

if TYPE_CHECKING:
    from hybridret.training.collate import TrainingBatch


def decay_of(half_life: int, pairs: int) -> float:
    """The share of the average that a step of `pairs` pairs keeps; a weight counts half after `half_life` pairs."""
    return float(0.5 ** (pairs / half_life))


class Averaging(StepCallback):
    """Averages what takes a gradient, in fp32 or better; after the first step the average is these weights.

    Must stand before the validation among the callbacks. The average is part of `last.ckpt`.
    """

    def __init__(self, half_life: int, pairs: int) -> None:
        self._half_life, self._pairs = half_life, pairs
        self._update = get_ema_multi_avg_fn(decay_of(half_life, pairs))  # type: ignore[no-untyped-call]
        self._average: dict[str, Tensor] = {}

    def on_train_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Raises UserError where the resumed state has no average of these weights."""
        if not trainer.global_step:
            return
        trained = _trained(pl_module)
        if {name: one.shape for name, one in self._average.items()} != {name: one.shape for name, one in trained}:
            raise UserError(
                "checkpoints/last.ckpt holds no average of these weights, and training.ema asks for one. Go on with "
                "training.ema=0, or delete the run directory to start from step 0."
            )
        self._average = {name: self._average[name].to(weight.device) for name, weight in trained}

    def on_train_batch_end(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, outputs: Any, batch: TrainingBatch, batch_idx: int
    ) -> None:
        """Add the weights of this step."""
        if ends_step(trainer, batch):
            self.add(pl_module)

    def add(self, module: nn.Module) -> None:
        """Let the weights of `module` take part."""
        weights = {name: _precise(weight.detach()) for name, weight in _trained(module)}
        if self._average:
            self._update(list(self._average.values()), [weights[name] for name in self._average], 0)
        else:
            self._average = {name: weight.clone() for name, weight in weights.items()}

    @contextmanager
    def in_use(self, module: nn.Module) -> Iterator[None]:
        """The average stands in the place of the weights of `module`, which come back unchanged, bit for bit."""
        trained = _trained(module)
        kept = [weight.detach().clone() for _, weight in trained]
        try:
            _fill(trained, [self._average[name] for name, _ in trained])
            yield
        finally:
            _fill(trained, kept)

    def state_dict(self) -> dict[str, Any]:
        return {"half_life": self._half_life, "pairs": self._pairs, "average": self._average}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Raises UserError where the average so far has another rate."""
        saved = (state_dict["half_life"], state_dict["pairs"])
        if saved != (self._half_life, self._pairs):
            raise UserError(
                f"checkpoints/last.ckpt holds an average of weights with training.ema={saved[0]} at {saved[1]} pairs a "
                f"step, now {self._half_life} at {self._pairs}. Restore the settings, or delete the run directory to "
                "start from step 0."
            )
        self._average = dict(state_dict["average"])


def _trained(module: nn.Module) -> list[tuple[str, nn.Parameter]]:
    """A weight that is used twice stands once."""
    return [(name, one) for name, one in module.named_parameters() if one.requires_grad]


def _precise(weight: Tensor) -> Tensor:
    """In fp32 at least: in bf16 a share of .001 of a step is rounded away."""
    return weight.to(torch.promote_types(weight.dtype, torch.float32))


@torch.no_grad()
def _fill(trained: list[tuple[str, nn.Parameter]], values: list[Tensor]) -> None:
    for (_, weight), value in zip(trained, values, strict=True):
        weight.copy_(value)
