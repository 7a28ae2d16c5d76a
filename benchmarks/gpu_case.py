"""One case of `gpu_check.py` in a process of its own: train some steps on random weights, print what was measured.

The memory of a case is then its own, and one that runs out of memory ends alone. It is the training that `run` does, of
texts whose lengths are exact (32 and 128 tokens), without data, validation or checkpoints.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytorch_lightning as pl
import torch
import yaml
from tokenizers import Tokenizer, models, pre_tokenizers
from transformers import PreTrainedTokenizerFast

from hybridret.base.records import ParallelPairs
from hybridret.base.settings import LearningRateSettings, TextSettings, TrainerSettings, TrainingSettings
from hybridret.batching.hybrid import Hybrid
from hybridret.encoders.dual import DualEncoder
from hybridret.encoders.huggingface import HuggingFace
from hybridret.encoders.huggingface_body import HuggingFaceBody
from hybridret.encoders.layers import compile_layers, recompute_layers
from hybridret.encoders.tokenization import Tokenization
from hybridret.losses.infonce import InfoNCE
from hybridret.planning.plan import plan
from hybridret.planning.recipe import Recipe
from hybridret.planning.workload import Workload
from hybridret.training.collate import Collate
from hybridret.training.data_module import PairDataModule
from hybridret.training.fit import fit
from hybridret.training.module import RetrieverModule

CONF = Path(__file__).resolve().parent.parent / "conf"
QUERY, PASSAGE = 32, 128  # tokens
WORDS = 1000
LANGUAGES = ("a", "b")


class Watch(pl.Callback):
    """Seconds of each step behind the first `warmup`; `at_end` is called before Lightning tidies up."""

    def __init__(self, warmup: int, cuda: bool, at_end: Callable[[], None]) -> None:
        self._warmup, self._cuda, self._at_end = warmup, cuda, at_end
        self.seconds: list[float] = []
        self._mark: float | None = None

    def on_train_batch_end(self, trainer: pl.Trainer, *unused: Any) -> None:
        if self._cuda:
            torch.cuda.synchronize()
        now = time.perf_counter()
        if self._mark is not None and trainer.global_step > self._warmup:
            self.seconds.append(now - self._mark)
        self._mark = now

    def on_train_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        self._at_end()


def tokenization() -> Tokenization:
    """One token a word, so that a text of 32 words is 32 tokens."""
    words = {"[PAD]": 0, "[UNK]": 1} | {f"w{number}": number + 2 for number in range(WORDS)}
    tokenizer = Tokenizer(models.WordLevel(words, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    fast = PreTrainedTokenizerFast(tokenizer_object=tokenizer, pad_token="[PAD]", unk_token="[UNK]")
    return Tokenization(fast, TextSettings("", "", QUERY, PASSAGE))


def corpus(questions: int) -> ParallelPairs:
    """Random words, two languages, no two questions with one passage."""
    random = np.random.default_rng(0)

    def texts(length: int) -> dict[str, list[str | None]]:
        rows = {language: random.integers(WORDS, size=(questions, length)) for language in LANGUAGES}
        return {language: [" ".join(f"w{word}" for word in row) for row in of] for language, of in rows.items()}

    ids = tuple(f"q{number}" for number in range(questions))
    return ParallelPairs("random", LANGUAGES, ids, texts(QUERY), texts(PASSAGE), np.arange(questions))


def body(case: dict[str, Any], device: str) -> HuggingFaceBody:
    """The family's network of the size, with random weights made on `device`; `config` changes its numbers."""
    family = section("backbone", case["family"])
    config = family["sizes"][case["size"]]["config"] | case.get("config", {})
    attention = case.get("attention") or family["attention"]
    backbone = HuggingFace({case["size"]: {"config": config}}, attention=attention, dropout=0.0)
    if device == "meta":
        made = backbone.meta(case["size"])
    else:
        torch.manual_seed(0)
        with torch.device(device):
            made = backbone.untrained(case["size"], attention)
    if case["adapter"] == "lora":
        from hybridret.encoders.adapters.lora import LoRA  # needs peft

        LoRA(**section("adapter", "lora") | case.get("adapter_options", {})).apply(made, 0)
    return made


def section(group: str, name: str) -> dict[str, Any]:
    """A yaml of `conf/`."""
    found: dict[str, Any] = yaml.safe_load((CONF / group / f"{name}.yaml").read_text("utf-8"))
    found.pop("_target_")
    return found


def optimizer(case: dict[str, Any]) -> Any:
    options = section("optim", case["optim"]) | {"lr": 1e-5}
    if case["optim"] == "adam8bit":
        from hybridret.training.adam8bit import Adam8bit  # needs torchao

        return partial(Adam8bit, **options)
    return partial(torch.optim.AdamW, **options)


def expected(case: dict[str, Any]) -> Any:
    recipe = Recipe(
        devices=1, sharded=False, precision=case["precision"], optimizer=case["optim"], adapter=case["adapter"],
        chunk_size=case["chunk_size"], recompute=case["recompute"], recompute_layers=case["recompute_layers"],
        compile=case["compile"], attention=case.get("attention"),
    )  # fmt: skip
    work = Workload(case["batch_size"], QUERY, PASSAGE, 0.0, case["steps"], 0, 0, 4, InfoNCE(0.05))
    return plan(body(case, "meta"), "mean", recipe, work)


def resident() -> int:
    """The most memory that this process ever held, in bytes; what it started with included."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def run(case: dict[str, Any], device: str) -> None:
    """Train `warmup` + `steps` steps and tell everything that was measured; the process ends with it."""
    planned = expected(case)
    cuda = device == "cuda"
    before = 0 if cuda else resident()
    encoder = DualEncoder(body(case, device), "mean", tokenization())
    encoder.train()
    if case["compile"]:
        compile_layers(encoder.body)
    if case["recompute_layers"]:
        recompute_layers(encoder.body)
    pairs = corpus(case["batch_size"] + 8)
    steps = case["steps"] + case["warmup"]
    training = TrainingSettings(
        steps=steps, batch_size=case["batch_size"], chunk_size=case["chunk_size"], recompute=case["recompute"],
        recompute_layers=False, compile=False, clip_norm=1.0, validate_every=steps, validation_batches=0,
        patience=None, checkpoint_every=steps, validate_retrieval=0,
        validation_benchmark=None, monitor="loss", hard_negatives=None, mined=None, accumulate=1, ema=0,
    )  # fmt: skip
    schedule = LearningRateSettings(warmup=0.0, decay="constant", embedding_lr=None)
    module = RetrieverModule(
        encoder, InfoNCE(0.05), optimizer(case), schedule, steps, 1.0, 0, recompute=case["recompute"]
    )
    batches = Hybrid(alpha=0.5).schedule((pairs,), case["batch_size"])

    def collate(data: Sequence[ParallelPairs], rank: int, world_size: int, negatives: int | None) -> Collate:
        return Collate(encoder.tokenization, data, training.chunk_size, rank, world_size, hard_negatives=negatives)

    data = PairDataModule(collate, batches, (pairs,), pairs, training, seed=1, workers=0)
    trainer = TrainerSettings("gpu" if cuda else "cpu", 1, 1, "auto", case["precision"], 0, None if cuda else 1)

    def finish() -> None:
        seconds = float(np.median(watch.seconds))
        tell(
            {
                "parameters": planned.parameters["total"],
                "body": planned.parameters["body"],
                "trainable": planned.parameters["trainable"],
                "seconds_per_step": seconds,
                "pairs_per_second": case["batch_size"] / seconds,
                "model_flops_per_second": planned.flops_per_pair * case["batch_size"] / seconds,
                "peak_bytes": torch.cuda.max_memory_allocated() if cuda else resident() - before,
                "planned_bytes": planned.memory.total,
                "loss": module.last_loss,
            }
        )

    watch = Watch(case["warmup"], cuda, finish)
    if cuda:
        torch.cuda.reset_peak_memory_stats()
    fit(module, data, [watch], steps, 1, trainer, Path(tempfile.gettempdir()), ())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("case", help="the case as JSON")
    parser.add_argument("--device", default="cuda", choices=("cuda", "cpu"))
    arguments = parser.parse_args()
    torch.set_float32_matmul_precision("high")
    run(json.loads(arguments.case), arguments.device)
    raise SystemExit("the training ended without a word")


def tell(found: dict[str, Any]) -> None:
    """Print what was found and leave at once: Lightning would copy the weights to the CPU first, 43 GB at 10b."""
    sys.stdout.write("\n" + json.dumps(found) + "\n")
    sys.stdout.flush()
    os._exit(0)


if __name__ == "__main__":
    main()
