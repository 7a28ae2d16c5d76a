"""One rank of a training: `python two_ranks.py FOLDER WORLD_SIZE CHUNK_SIZE`; RANK, LOCAL_RANK and the master's address
come in the environment. Plain gradient descent in fp64, so that weights after training show the gradients.
"""

from __future__ import annotations

import sys
from dataclasses import replace
from functools import partial
from pathlib import Path

import torch
from training_helpers import corpus, encoder, trainer_settings, training_settings

from hybridret.batching.hybrid import Hybrid
from hybridret.losses.infonce import InfoNCE
from hybridret.progress import Quiet
from hybridret.records import Negative, ParallelPairs
from hybridret.settings import ScheduleSettings
from hybridret.training.train import train


def with_negatives(pairs: ParallelPairs) -> ParallelPairs:
    """Question q has q modulo 3 hard negatives, so that ranks hold different numbers of them."""
    hard = {
        language: [
            tuple(
                Negative(f"{language}{(question + i) % 40} {language}{i}", group=question % 5)
                for i in range(question % 3)
            )
            for question in range(len(pairs))
        ]
        for language in pairs.languages
    }
    return replace(pairs, negatives=hard)


def main(folder: Path, world_size: int, chunk_size: int | None) -> None:
    datasets = (with_negatives(corpus()),)
    settings = training_settings(
        steps=3, chunk_size=chunk_size, clip_norm=None, validate_every=3, checkpoint_every=3, validation_batches=3
    )
    result = train(
        encoder(dropout=0.0).double(),
        Hybrid(alpha=0.5).schedule(datasets, settings.batch_size),
        datasets,
        corpus(24, "held", seed=2),
        InfoNCE(temperature=0.1),
        partial(torch.optim.SGD, lr=0.05),
        settings,
        ScheduleSettings(warmup=0, decay="constant", embedding_lr=None),
        trainer_settings(devices=world_size, strategy="ddp" if world_size > 1 else "auto"),
        7,
        folder,
        Quiet(),
        lambda row: None,
        lambda: False,
        log_every=1,
    )
    (folder / "validation.txt").write_text(repr(result.best_validation_loss))


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]) or None)
