"""A small parallel corpus, a small encoder, and one call that trains it: shared by the tests of training."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from tokenizers import Tokenizer, models, pre_tokenizers
from transformers import PreTrainedTokenizerFast

from hybridret.base.progress import Progress, Quiet
from hybridret.base.records import ParallelPairs
from hybridret.base.settings import (
    EvaluationSettings,
    LearningRateSettings,
    TextSettings,
    TrainerSettings,
    TrainingSettings,
)
from hybridret.batching.hybrid import Hybrid
from hybridret.data.pair_collection import pair_collection
from hybridret.encoders.dual import DualEncoder
from hybridret.encoders.tokenization import Tokenization
from hybridret.encoders.transformer import Transformer
from hybridret.evaluation.probe import RetrievalProbe
from hybridret.losses.infonce import InfoNCE
from hybridret.training.optimisation import MakeOptimizer
from hybridret.training.train import TrainingResult, train

LANGUAGES = ("en", "de", "ru")
WORDS = 40


def corpus(
    questions: int = 48, name: str = "words", languages: Sequence[str] = LANGUAGES, seed: int = 0
) -> ParallelPairs:
    """Questions of 3 to 9 words about a topic word that the passage repeats; every language has words of its own."""
    random = np.random.default_rng(seed)
    queries: dict[str, list[str | None]] = {language: [] for language in languages}
    passages: dict[str, list[str | None]] = {language: [] for language in languages}
    for question in range(questions):
        topic = question % WORDS
        asked = random.integers(WORDS, size=random.integers(2, 8))
        told = random.integers(WORDS, size=random.integers(4, 12))
        for language in languages:
            queries[language].append(" ".join(f"{language}{word}" for word in [topic, *asked]))
            passages[language].append(" ".join(f"{language}{word}" for word in [topic, topic, *told]))
    ids = tuple(f"{name}-{question}" for question in range(questions))
    return ParallelPairs(name, tuple(languages), ids, queries, passages, np.arange(questions) // 2)


def tokenization(languages: Sequence[str] = LANGUAGES) -> Tokenization:
    words = ["[PAD]", "[UNK]", *(f"{language}{word}" for language in languages for word in range(WORDS))]
    tokenizer = Tokenizer(models.WordLevel({word: number for number, word in enumerate(words)}, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    fast = PreTrainedTokenizerFast(tokenizer_object=tokenizer, pad_token="[PAD]", unk_token="[UNK]")
    return Tokenization(fast, TextSettings("", "", query_length=16, passage_length=16))


def encoder(dropout: float = 0.1, seed: int = 0, layers: int = 1, width: int = 16) -> DualEncoder:
    torch.manual_seed(seed)
    body = Transformer(2 + WORDS * len(LANGUAGES), width=width, layers=layers, heads=2, positions=16, dropout=dropout)
    return DualEncoder(body, "mean", tokenization())


def training_settings(**changes: Any) -> TrainingSettings:
    plain = TrainingSettings(
        steps=12,
        batch_size=8,
        chunk_size=None,
        recompute=True,
        recompute_layers=False,
        compile=False,
        clip_norm=1.0,
        validate_every=4,
        validation_batches=2,
        patience=None,
        checkpoint_every=4,
        validate_retrieval=0,
        validation_benchmark=None,
        monitor="loss",
        hard_negatives=None,
        mined=None,
        accumulate=1,
        ema=0,
        chunk_tokens=None,
    )
    return replace(plain, **changes)


def trainer_settings(**changes: Any) -> TrainerSettings:
    plain = TrainerSettings(
        accelerator="cpu", devices=1, nodes=1, strategy="auto", precision="32-true", workers=0, threads=1
    )
    return replace(plain, **changes)


def evaluation_settings(**changes: Any) -> EvaluationSettings:
    plain = EvaluationSettings(
        batch_size=5,
        settings=["monolingual", "cross-lingual", "multilingual"],
        cutoffs=[1, 10],
        entropy_temperature=0.05,
        entropy_sample=8,
        precision="fp32",
        full_ranks=1000,
        depth=1000,
        cache=None,
        cache_from=1000,
        vectors="float32",
        trec=False,
        mteb=False,
    )
    return replace(plain, **changes)


def probe(validation: ParallelPairs, questions: int) -> RetrievalProbe | None:
    """What a run ranks at each validation."""
    if not questions:
        return None
    return RetrievalProbe((pair_collection(validation, questions),), evaluation_settings())


class Run:
    """What a training left: the result, the rows of its history, the checkpoint."""

    def __init__(self, folder: Path, result: TrainingResult, rows: list[dict[str, Any]]) -> None:
        self.folder, self.result, self.rows = folder, result, rows

    @property
    def last(self) -> dict[str, Any]:
        loaded: dict[str, Any] = torch.load(self.folder / "checkpoints" / "last.ckpt", weights_only=True)
        return loaded

    def curve(self) -> list[dict[str, Any]]:
        """The rows without what a clock measured; where a resumed run repeats a row, the later one counts."""
        timed = ("seconds", "pairs_per_second")
        rows = {(row["step"], row["split"]): row for row in self.rows}
        return [{key: value for key, value in rows[at].items() if key not in timed} for at in sorted(rows)]


def run(
    folder: Path,
    *,
    dropout: float = 0.1,
    alpha: float = 0.5,
    workers: int = 0,
    seed: int = 5,
    warmup: float = 0.25,
    decay: str = "linear",
    embedding_lr: float | None = 0.02,
    lr: float = 0.01,
    should_stop: Callable[[], bool] = lambda: False,
    rows: list[dict[str, Any]] | None = None,
    trainer: TrainerSettings | None = None,
    progress: Progress | None = None,
    validation: ParallelPairs | None = None,
    model: DualEncoder | None = None,
    make_optimizer: MakeOptimizer | None = None,
    log_every: int = 2,
    on_row: Callable[[dict[str, Any]], None] = lambda row: None,
    **changes: Any,
) -> Run:
    """Train for a dozen steps; `changes` are fields of the training settings. `rows` collects over several calls."""
    settings = training_settings(**changes)
    datasets = (corpus(), corpus(30, "more", seed=1))
    rows = [] if rows is None else rows

    def record(row: dict[str, Any]) -> None:
        rows.append(row)
        on_row(row)

    held = corpus(24, "held", seed=2) if validation is None else validation
    result = train(
        model if model is not None else encoder(dropout),
        Hybrid(alpha=alpha).schedule(datasets, settings.batch_size),
        datasets,
        held,
        InfoNCE(temperature=0.1),
        make_optimizer or partial(torch.optim.AdamW, lr=lr, weight_decay=0.01),
        settings,
        LearningRateSettings(warmup=warmup, decay=decay, embedding_lr=embedding_lr),
        trainer if trainer is not None else trainer_settings(workers=workers),
        seed,
        folder,
        progress if progress is not None else Quiet(),
        record,
        should_stop,
        log_every=log_every,
        probe=probe(held, settings.validate_retrieval),
    )
    return Run(folder, result, rows)


def equal(left: Any, right: Any) -> bool:
    """Whether two nested states are equal bit for bit."""
    if hasattr(left, "__tensor_flatten__"):  # torchao's moments of 8 bits: codes and scales
        parts = left.__tensor_flatten__()[0]
        return type(left) is type(right) and all(equal(getattr(left, part), getattr(right, part)) for part in parts)
    if isinstance(left, torch.Tensor):
        return isinstance(right, torch.Tensor) and left.dtype == right.dtype and torch.equal(left, right)
    if isinstance(left, dict):
        return isinstance(right, dict) and left.keys() == right.keys() and all(equal(left[k], right[k]) for k in left)
    if isinstance(left, list | tuple):
        return len(left) == len(right) and all(equal(a, b) for a, b in zip(left, right, strict=True))
    return bool(left == right)


def stop_after(steps: int) -> Callable[[], bool]:
    """A wish to stop that comes up at the end of the `steps`-th step from now."""
    asked = iter(range(1, steps + 1))
    return lambda: next(asked, steps) >= steps
