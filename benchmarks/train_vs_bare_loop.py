"""Steps per second of `hybridret.training.train` over those of a bare torch loop on the same batches, padded to the
same lengths.

    python benchmarks/train_vs_bare_loop.py            # about 2 minutes on one thread; target: at least 0.97

The bare loop has its batches tokenised, padded and in memory before the clock starts, so the ratio also pays for
drawing, tokenising and padding. As in a real run of the default corpus, every row comes about eight times.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
import torch
from tokenizers import Tokenizer, models, pre_tokenizers
from transformers import PreTrainedTokenizerFast

from hybridret.batching.hybrid import Hybrid
from hybridret.batching.strategy import Schedule
from hybridret.encoders.chunked import encode_chunks
from hybridret.encoders.dual import DualEncoder
from hybridret.encoders.tokenization import Tokenization
from hybridret.encoders.transformer import Transformer
from hybridret.losses.infonce import InfoNCE
from hybridret.progress import Quiet
from hybridret.records import ParallelPairs
from hybridret.settings import ScheduleSettings, TextSettings, TrainerSettings, TrainingSettings
from hybridret.training.collate import Collate, TrainingBatch
from hybridret.training.optimisation import learning_rate_schedule, parameter_groups
from hybridret.training.train import train

WORDS, LANGUAGES = 8000, ("a", "b", "c", "d", "e", "f")
SCHEDULE = ScheduleSettings(warmup=0.05, decay="linear", embedding_lr=2e-2)
make_optimizer = partial(torch.optim.AdamW, lr=3e-3, weight_decay=0.01)


def corpus(questions: int) -> ParallelPairs:
    """Texts as long as those of the default corpus: queries of 6 to 12 words, passages of 8 to 20."""
    random = np.random.default_rng(0)

    def texts(low: int, high: int) -> list[str | None]:
        return [" ".join(map(str, random.integers(WORDS, size=random.integers(low, high)))) for _ in range(questions)]

    queries = {language: texts(6, 13) for language in LANGUAGES}
    passages = {language: texts(8, 21) for language in LANGUAGES}
    return ParallelPairs("made", LANGUAGES, tuple(map(str, range(questions))), queries, passages, np.arange(questions))


def encoder(width: int) -> DualEncoder:
    vocabulary = {"[PAD]": WORDS, "[UNK]": WORDS + 1, **{str(word): word for word in range(WORDS)}}
    words = Tokenizer(models.WordLevel(vocabulary, unk_token="[UNK]"))
    words.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    fast = PreTrainedTokenizerFast(tokenizer_object=words, pad_token="[PAD]", unk_token="[UNK]")
    torch.manual_seed(0)
    body = Transformer(len(vocabulary), width, layers=1, heads=4, positions=32)
    return DualEncoder(body, "mean", Tokenization(fast, TextSettings("", "", 32, 32)))


class Stamps:
    """Wall and CPU seconds of each step: on a busy machine the second is the steadier."""

    def __init__(self) -> None:
        self._at: list[tuple[float, float]] = []

    def stamp(self) -> bool:
        """Call at the end of a step. False, so that it can stand in for `should_stop`."""
        self._at.append((time.perf_counter(), time.process_time()))
        return False

    def milliseconds(self) -> np.ndarray:
        """[steps - 1, 2]; the first step has no beginning."""
        return 1000 * np.diff(np.array(self._at), axis=0)


def bare(model: DualEncoder, steps: int, get_batch: Callable[[int], TrainingBatch]) -> Stamps:
    """A plain loop: encode, loss, backward, clip, update, schedule, and the loss as a number."""
    loss_function = InfoNCE(0.05)
    optimizer = make_optimizer(parameter_groups(model, SCHEDULE.embedding_lr))
    schedule = learning_rate_schedule(optimizer, SCHEDULE, steps)
    stamps = Stamps()
    for step in range(steps):
        rows = get_batch(step).rows
        queries = encode_chunks(model, rows.query_chunks, checkpointed=False)[rows.query_order]
        passages = encode_chunks(model, rows.passage_chunks, checkpointed=False)[rows.passage_order]
        loss = loss_function(queries, passages, rows.positives, rows.query_groups, rows.passage_groups)
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        schedule.step()
        loss.item()
        stamps.stamp()
    return stamps


def ours(model: DualEncoder, schedule: Schedule, data: ParallelPairs, steps: int, batch_size: int) -> Stamps:
    """The same steps in `train`, with its history, its guard and its clock; the checkpoint at the end is not
    counted.
    """
    stamps = Stamps()
    with tempfile.TemporaryDirectory() as folder:
        train(
            model,
            schedule,
            [data],
            data,
            InfoNCE(0.05),
            make_optimizer,
            TrainingSettings(steps, batch_size, None, True, 1.0, steps, 0, None, steps),
            SCHEDULE,
            TrainerSettings("cpu", 1, 1, "auto", "32-true", 0, torch.get_num_threads()),
            0,
            Path(folder),
            Quiet(),
            lambda row: None,
            stamps.stamp,
        )
    return stamps


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--steps", type=int, default=192)
    parser.add_argument("--repeats", type=int, default=7)
    parser.add_argument("--batch-size", type=int, default=128)
    parser.add_argument("--width", type=int, default=64)
    parser.add_argument("--threads", type=int, default=1)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    data = corpus(max(options.batch_size, options.steps * options.batch_size // 8 // len(LANGUAGES)))
    schedule = Hybrid(alpha=0.5).schedule([data], options.batch_size)
    collate = Collate(encoder(options.width).tokenization, [data], None)
    batches = [collate(schedule(0, step)) for step in range(options.steps)]
    forgetful = Collate(encoder(options.width).tokenization, [data], None, cache_bytes=0)
    loops = {"tokenising": lambda step: forgetful(schedule(0, step)), "in memory": batches.__getitem__}
    bare(encoder(options.width), 20, batches.__getitem__)
    ratios: dict[str, list[np.ndarray]] = {name: [] for name in loops}
    for _ in range(options.repeats):
        trained = ours(encoder(options.width), schedule, data, options.steps, options.batch_size).milliseconds()[:-1]
        for name, get_batch in loops.items():
            plain = bare(encoder(options.width), options.steps, get_batch).milliseconds()[:-1]
            ratios[name].append(plain.sum(axis=0) / trained.sum(axis=0))
            print(f"{name}: bare {plain.mean(axis=0)} ms, train {trained.mean(axis=0)} ms a step (clock, CPU)")
    for name, found in ratios.items():
        wall, cpu = np.median(found, axis=0)
        print(f"bare loop {name}: median ratio {wall:.3f} by the clock, {cpu:.3f} by CPU time (target 0.97)")


if __name__ == "__main__":
    main()
