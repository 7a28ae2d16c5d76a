"""Several processes that train together, forked from a server that has imported everything once."""

from __future__ import annotations

import multiprocessing
import os
import traceback
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import torch
from training_helpers import corpus, encoder, probe, trainer_settings, training_settings

from hybridret.base.progress import Quiet
from hybridret.base.records import Negative, ParallelPairs
from hybridret.base.settings import LearningRateSettings
from hybridret.batching.hybrid import Hybrid
from hybridret.distributed.free_port import free_port
from hybridret.encoders.adapters.lora import LoRA
from hybridret.losses.infonce import InfoNCE
from hybridret.training.adam8bit import Adam8bit
from hybridret.training.train import train

BATCH = 12  # shared evenly by 1, 2 and 3
WAIT = 120.0


def together(world: int, work: Callable[..., Any], *arguments: Any, **options: Any) -> None:
    """Call `work` in `world` processes, which find each other as torchrun's do; an error of one is the test's."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["hybridret.training.train", "hybridret.batching.hybrid"])
    port = free_port()
    errors = context.SimpleQueue()
    ranks = [
        context.Process(target=_rank, args=(rank, world, port, errors, work, arguments, options))
        for rank in range(world)
    ]
    for one in ranks:
        one.start()
    for one in ranks:
        one.join(WAIT)
    try:
        told = [] if errors.empty() else [errors.get()]
        assert [one.exitcode for one in ranks] == [0] * world, "\n".join(told)
    finally:
        for one in ranks:
            one.kill()


def _rank(rank: int, world: int, port: int, errors: Any, work: Any, arguments: Any, options: Any) -> None:
    where = {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": port, "WORLD_SIZE": world, "RANK": rank, "LOCAL_RANK": rank}
    os.environ.update({key: str(value) for key, value in where.items()})
    torch.set_num_threads(1)
    try:
        work(*arguments, **options)
    except BaseException:
        errors.put(f"rank {rank}: {traceback.format_exc()}")
        os._exit(1)


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


def train_ranks(
    folder: Path,
    world: int,
    strategy: str,
    *,
    precision: str = "64-true",
    optimizer: Callable[..., torch.optim.Optimizer] = torch.optim.AdamW,
    temperature: float = 0.1,
    stop_at: int | None = None,
    seed: int = 0,
    layers: int = 1,
    dropout: float = 0.0,
    lr: float = 0.01,
    eps: float | None = None,
    embedding_lr: float | None = 0.02,
    lora: str | None = None,
    eight_bits: bool = False,
    width: int = 16,
    **changes: Any,
) -> None:
    """One rank's part of a short training on data with hard negatives and masks; writes the history of rank 0.

    `changes` are fields of the training settings. Every step is clipped unless `clip_norm` says otherwise.
    """
    settings = training_settings(
        **{
            "steps": 3, "batch_size": BATCH, "chunk_size": None, "clip_norm": 0.05, "validate_every": 3,
            "checkpoint_every": 3, "validation_batches": 3, **changes,
        }
    )  # fmt: skip
    datasets = (with_negatives(corpus()),)
    held = corpus(24, "held", seed=2)
    rows: list[dict[str, Any]] = []
    model = encoder(dropout=dropout, seed=seed, layers=layers, width=width)
    if lora is not None:  # how frozen weights are kept
        LoRA(rank=4, alpha=8.0, dropout=dropout, targets=None, frozen=lora).apply(model.body, seed=1)
    if eight_bits:
        optimizer = partial(Adam8bit, weight_decay=0.01, betas=[0.9, 0.999])
    train(
        model.double() if precision == "64-true" and strategy != "fsdp" else model,
        Hybrid(alpha=0.5).schedule(datasets, settings.batch_size),
        datasets,
        held,
        InfoNCE(temperature),
        partial(optimizer, lr=lr, **({} if eps is None else {"eps": eps})),
        settings,
        LearningRateSettings(warmup=0, decay="constant", embedding_lr=embedding_lr),
        trainer_settings(devices=world, strategy=strategy, precision=precision),
        7,
        folder,
        Quiet(),
        rows.append,
        lambda: stop_at is not None and len([row for row in rows if row["split"] == "train"]) >= stop_at,
        log_every=1,
        probe=probe(held, settings.validate_retrieval),
    )
    if rows:
        timed = ("seconds", "pairs_per_second", "padding_share")
        torch.save([{k: v for k, v in row.items() if k not in timed} for row in rows], folder / "rows.pt")
