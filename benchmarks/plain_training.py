"""The settings of a training that does nothing but train: no validation, no checkpoint before the end."""

from __future__ import annotations

from hybridret.base.settings import TrainingSettings


def plain_training(steps: int, batch_size: int, chunk_size: int | None, recompute: bool = False) -> TrainingSettings:
    return TrainingSettings(
        steps=steps,
        batch_size=batch_size,
        chunk_size=chunk_size,
        chunk_tokens=None,
        recompute=recompute,
        recompute_layers=False,
        compile=False,
        clip_norm=1.0,
        validate_every=steps,
        validation_batches=0,
        patience=None,
        checkpoint_every=steps,
        validate_retrieval=0,
        validation_benchmark=None,
        monitor="loss",
        hard_negatives=None,
        mined=None,
        accumulate=1,
        ema=0,
    )
