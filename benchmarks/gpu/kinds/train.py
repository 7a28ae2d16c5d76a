"""Steps of the training that `run` does, on random weights: seconds, FLOP/s, memory. No data, validation, checkpoints.

A large batch is measured after a step of a small one, which makes the states of the optimizer. Weights are dropped at
the end: Lightning would copy them to the CPU, 43 GB at 10b.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytorch_lightning as pl
import torch
from plain_training import plain_training
from torch.nn.attention import SDPBackend, sdpa_kernel

from gpu.networks import encoder as network
from gpu.networks import parallel_pairs, section
from gpu.stopwatch import forget_peak, peak_bytes, synchronise
from hybridret.base.records import Batch, ParallelPairs
from hybridret.base.settings import LearningRateSettings, TrainerSettings
from hybridret.batching.hybrid import Hybrid
from hybridret.batching.strategy import Schedule
from hybridret.encoders.dual import DualEncoder
from hybridret.encoders.layers import compile_layers, recompute_layers
from hybridret.losses.infonce import InfoNCE
from hybridret.training.collate import Collate
from hybridret.training.data_module import PairDataModule
from hybridret.training.fit import fit
from hybridret.training.module import RetrieverModule

SPARE = 8  # questions more than a batch has pairs
FEW = 100  # pairs of the first steps of a large batch


class Watch(pl.Callback):
    """Seconds of each step behind the first `warmup`; weights are dropped when the training ends."""

    def __init__(self, warmup: int, device: str) -> None:
        self._warmup, self._device = warmup, device
        self.seconds: list[float] = []
        self.losses: list[float] = []
        self.peak = 0
        self._mark: float | None = None

    def on_train_batch_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule, *unused: Any) -> None:
        synchronise(self._device)
        now = time.perf_counter()
        if self._mark is not None and trainer.global_step > self._warmup:
            self.seconds.append(now - self._mark)
        self.losses.append(float(pl_module.last_loss))
        self._mark = now

    def on_train_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        self.peak = peak_bytes(self._device)
        if trainer.world_size == 1 and not isinstance(trainer.strategy, pl.strategies.ModelParallelStrategy):
            for parameter in pl_module.parameters():
                parameter.data, parameter.grad = parameter.data.new_empty(0), None


def prepared(options: Mapping[str, Any], device: str) -> DualEncoder:
    """The encoder in training mode, its layers compiled and recomputed as `options` say."""
    encoder = network(options, device)
    encoder.train()
    if options["compile"]:
        compile_layers(encoder.body)
    if options["recompute_layers"]:
        recompute_layers(encoder.body)
    return encoder


def optimizer(options: Mapping[str, Any]) -> Any:
    """What makes the optimizer, with the values of its yaml."""
    values = section("optim", options["optim"]) | {"lr": 1e-5}
    if options["optim"] == "adam8bit":
        from hybridret.training.adam8bit import Adam8bit  # needs torchao

        return partial(Adam8bit, **values)
    return partial(torch.optim.AdamW, **values)


def batches(pairs: ParallelPairs, size: int, warmup: int) -> Schedule:
    """`warmup` batches of at most `FEW` pairs, then batches of `size`."""
    strategy = Hybrid(alpha=0.5)
    small, large = (strategy.schedule((pairs,), count) for count in (min(size, FEW), size))

    def batch(seed: int, step: int) -> Batch:
        if step < warmup:
            return small(seed, step)
        return replace(large(seed, 0), step=step)  # the same one: the loader makes several ahead

    return batch


def train(
    options: Mapping[str, Any], device: str, encoder: DualEncoder, callbacks: Sequence[pl.Callback], steps: int,
    folder: Path,
) -> RetrieverModule:  # fmt: skip
    """The module, trained until step `steps`, from what `folder` holds."""
    pairs = parallel_pairs(options["batch_size"] + SPARE, options.get("lengths", "equal"))
    rate = LearningRateSettings(warmup=0.0, decay="constant", embedding_lr=None)
    loss = InfoNCE(options.get("temperature", 0.05))
    module = RetrieverModule(encoder, loss, optimizer(options), rate, steps, 1.0, 0, recompute=options["recompute"])

    def collate(data: Sequence[ParallelPairs], rank: int, world_size: int, negatives: int | None) -> Collate:
        return Collate(encoder.tokenization, data, options["chunk_size"], rank, world_size, hard_negatives=negatives)

    schedule = batches(pairs, options["batch_size"], options["warmup"])
    data = PairDataModule(
        collate,
        schedule,
        (pairs,),
        pairs,
        plain_training(steps, options["batch_size"], options["chunk_size"], options["recompute"]),
        seed=1,
        workers=0,
    )
    strategy, threads = options.get("strategy", "auto"), None if device == "cuda" else 1
    trainer = TrainerSettings("gpu" if device == "cuda" else "cpu", 1, 1, strategy, options["precision"], 0, threads)
    with attention_kernel(options):
        fit(module, data, callbacks, steps, 1, trainer, folder, ())
    return module


def attention_kernel(options: Mapping[str, Any]) -> AbstractContextManager[Any]:
    """`flash`: torch's flash kernel and no other, which fails where there is a mask."""
    if options.get("attention") == "flash":
        return sdpa_kernel(SDPBackend.FLASH_ATTENTION)
    return nullcontext()


def run(options: Mapping[str, Any], device: str) -> dict[str, Any]:
    """Train `warmup` + `steps` steps; the median of the seconds of the latter."""
    torch.set_float32_matmul_precision("highest")  # as in a run: nothing of the package switches TF32 on
    forget_peak(device)
    before = 0 if device == "cuda" else peak_bytes(device)
    watch = Watch(options["warmup"], device)
    with tempfile.TemporaryDirectory() as folder:
        encoder = prepared(options, device)
        built = peak_bytes(device)
        forget_peak(device)
        train(options, device, encoder, [watch], options["warmup"] + options["steps"], Path(folder))
    if options["compile"]:
        torch._dynamo.reset()
    seconds = float(np.median(watch.seconds))
    return {
        "pairs": options["batch_size"],
        "chunk_size": options["chunk_size"],
        "recompute_layers": options["recompute_layers"],
        "attention": options.get("attention", "sdpa"),
        "compiled": options["compile"],
        "seconds_per_step": seconds,
        "pairs_per_second": options["batch_size"] / seconds,
        "peak_bytes": max(watch.peak - before, 1),
        "built_bytes": built,
        "losses": [round(loss, 6) for loss in watch.losses],
    }
