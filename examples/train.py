"""Train without Hydra: a small encoder from scratch on three languages of the built-in corpus, in seconds on a laptop.

    python examples/train.py FOLDER          # FOLDER/checkpoints/best holds the encoder; the same command goes on

Every object is built by its constructor; `conf/` is not read.
"""

from __future__ import annotations

import sys
from functools import partial
from pathlib import Path

import torch

from hybridret.base.bars import Bars
from hybridret.base.settings import LearningRateSettings, TextSettings, TrainerSettings, TrainingSettings
from hybridret.batching.hybrid import Hybrid
from hybridret.data.cldr.source import CldrCorpus
from hybridret.encoders.scratch import Scratch
from hybridret.losses.infonce import InfoNCE
from hybridret.training.train import train

TEXT = TextSettings("Query: ", "Passage: ", query_length=32, passage_length=64)
SIZES = {"tiny": {"width": 32, "layers": 1, "heads": 2}}


def main(folder: Path, steps: int = 60) -> None:
    """Train for `steps` steps in `folder` and print how it went."""
    corpus = CldrCorpus(languages=["en", "de", "ar"], cities=40)
    pairs = corpus.training()
    encoder = Scratch(SIZES, vocabulary_size=2000).encoder("tiny", TEXT, corpus, seed=1)
    result = train(
        encoder,
        Hybrid(alpha=0.5).schedule(pairs, batch_size=32),
        pairs,
        corpus.validation(),
        InfoNCE(temperature=0.05),
        partial(torch.optim.AdamW, lr=3e-3),
        TrainingSettings(
            steps=steps,
            batch_size=32,
            chunk_size=None,
            chunk_tokens=None,
            recompute=False,
            recompute_layers=False,
            compile=False,
            clip_norm=1.0,
            validate_every=20,
            validation_batches=3,
            patience=None,
            checkpoint_every=20,
            validate_retrieval=0,
            validation_benchmark=None,
            monitor="loss",
            hard_negatives=None,
            mined=None,
            accumulate=1,
            ema=0,
        ),
        LearningRateSettings(warmup=0.1, decay="linear", embedding_lr=None),
        TrainerSettings("cpu", devices=1, nodes=1, strategy="auto", precision="32-true", workers=0, threads=1),
        seed=1,
        folder=folder,
        progress=Bars(),
        on_history=lambda row: None,
        should_stop=lambda: False,
    )
    print(f"{result.steps} steps, best validation loss {result.best_validation_loss:.3f} at step {result.best_step}")
    print(f"realised alpha: {result.mix['alpha']:.2f}")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
