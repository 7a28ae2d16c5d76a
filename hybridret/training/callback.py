"""What the callbacks of training share: they are called once a step and not six times."""

from __future__ import annotations

import pytorch_lightning as pl


class StepCallback(pl.Callback):
    """A callback without the hooks inside a step. Lightning skips hooks that cannot be called; an empty one costs it as
    much as a full one, and four callbacks with five empty hooks cost a small model 1% of its time.
    """

    on_train_batch_start = None  # type: ignore[assignment]
    on_before_zero_grad = None  # type: ignore[assignment]
    on_before_backward = None  # type: ignore[assignment]
    on_after_backward = None  # type: ignore[assignment]
    on_before_optimizer_step = None  # type: ignore[assignment]
