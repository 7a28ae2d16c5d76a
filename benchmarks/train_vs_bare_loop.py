"""Steps per second of `hybridret.training.train` over those of a bare torch loop on the same batches, padded to the
same lengths.

    python benchmarks/train_vs_bare_loop.py            # about 4 minutes on one thread; target: at least 0.97

There are two bare loops. One has its batches drawn, tokenised and padded in memory before the clock starts: `train`
draws and pads within its time, from the second epoch on, when its cache has the texts. The other tokenises each batch,
as a plain collate function does, and is compared over all steps, the first epoch of `train` included.
"""

from __future__ import annotations

import argparse
import os
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import torch
from plain_training import plain_training
from tokenizers import Tokenizer, models, pre_tokenizers
from transformers import PreTrainedTokenizerFast

from hybridret.base.progress import Quiet
from hybridret.base.records import ParallelPairs
from hybridret.base.settings import LearningRateSettings, TextSettings, TrainerSettings
from hybridret.batching.hybrid import Hybrid
from hybridret.batching.strategy import Schedule
from hybridret.encoders.dual import DualEncoder
from hybridret.encoders.tokenization import Tokenization
from hybridret.encoders.transformer import Transformer
from hybridret.losses.infonce import InfoNCE
from hybridret.training.collate import Collate, TrainingBatch
from hybridret.training.optimisation import learning_rate_schedule, parameter_groups
from hybridret.training.train import train

WORDS, LANGUAGES = 8000, ("a", "b", "c", "d", "e", "f")
SCHEDULE = LearningRateSettings(warmup=0.05, decay="linear", embedding_lr=2e-2)
LOOPS = ("train", "in memory", "tokenising")
make_optimizer = partial(torch.optim.AdamW, lr=3e-3, weight_decay=0.01)


def corpus(questions: int) -> ParallelPairs:
    """Texts as long as those of the default corpus: queries of 6 to 12 words, passages of 8 to 20."""
    random = np.random.default_rng(0)

    def texts(low: int, high: int) -> list[str | None]:
        return [" ".join(map(str, random.integers(WORDS, size=random.integers(low, high)))) for _ in range(questions)]

    queries = {language: texts(6, 13) for language in LANGUAGES}
    passages = {language: texts(8, 21) for language in LANGUAGES}
    return ParallelPairs("made", LANGUAGES, tuple(map(str, range(questions))), queries, passages, np.arange(questions))


def encoder(width: int, layers: int) -> DualEncoder:
    vocabulary = {"[PAD]": WORDS, "[UNK]": WORDS + 1, **{str(word): word for word in range(WORDS)}}
    words = Tokenizer(models.WordLevel(vocabulary, unk_token="[UNK]"))
    words.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    fast = PreTrainedTokenizerFast(tokenizer_object=words, pad_token="[PAD]", unk_token="[UNK]")
    torch.manual_seed(0)
    body = Transformer(len(vocabulary), width, layers, heads=4, positions=32)
    return DualEncoder(body, "mean", Tokenization(fast, TextSettings("", "", 32, 32)))


def now() -> np.ndarray:
    """Milliseconds by the clock and of CPU time: on a busy machine the second is the steadier."""
    return 1000 * np.array([time.perf_counter(), time.process_time()])


def bare(model: DualEncoder, steps: int, get_batch: Callable[[int], TrainingBatch]) -> Iterator[None]:
    """A plain loop: encode, loss, backward, clip, update, schedule, and the loss as a number. Yields after each
    step.
    """
    loss_function = InfoNCE(0.05)
    optimizer = make_optimizer(parameter_groups(model, SCHEDULE.embedding_lr))
    schedule = learning_rate_schedule(optimizer, SCHEDULE, steps)
    model.train()
    for step in range(steps):
        rows = get_batch(step).rows
        queries = model(*rows.query_chunks[0])[rows.query_order]
        passages = model(*rows.passage_chunks[0])[rows.passage_order]
        loss = loss_function(queries, passages, rows.positives, rows.query_groups, rows.passage_groups)
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        schedule.step()
        loss.item()
        yield


class Turns:
    """Stands in for `should_stop`, which `train` asks after each of its steps: notes the time of that step, then runs
    and times one step of every rival, so that all loops meet the same load.
    """

    def __init__(self, rivals: Sequence[Iterator[None]]) -> None:
        self._rivals = rivals
        self._began: np.ndarray | None = None
        self.times: list[list[np.ndarray]] = []  # per step: train, then the rivals

    def __call__(self) -> bool:
        times = [now()]
        for rival in self._rivals:
            next(rival)
            times.append(now())
        if self._began is not None:  # the first step has no beginning
            self.times.append(list(np.diff([self._began, *times], axis=0)))
        self._began = now()
        return False


def ours(
    model: DualEncoder, schedule: Schedule, data: ParallelPairs, steps: int, batch_size: int, turns: Turns
) -> np.ndarray:
    """The same steps in `train`, with its history, its guard and its clock. [steps - 2, loops, 2] milliseconds: the
    last step is left out, because a checkpoint is saved in the middle of it.
    """
    with tempfile.TemporaryDirectory() as folder:
        train(
            model,
            schedule,
            [data],
            data,
            InfoNCE(0.05),
            make_optimizer,
            plain_training(steps, batch_size, None),
            SCHEDULE,
            TrainerSettings("cpu", 1, 1, "auto", "32-true", 0, torch.get_num_threads()),
            0,
            Path(folder),
            Quiet(),
            lambda row: None,
            turns,
        )
    return np.array(turns.times)[:-1]


@dataclass(frozen=True)
class Setup:
    """One model and how long it is measured: `first` steps, in which texts are new to the cache, then `steps`."""

    width: int
    layers: int
    batch_size: int
    first: int
    steps: int


SETUPS = {
    "tiny, 64 x 1": Setup(width=64, layers=1, batch_size=128, first=64, steps=96),
    "256 x 4": Setup(width=256, layers=4, batch_size=32, first=4, steps=12),
}


def measure(name: str, setup: Setup, repeats: int) -> None:
    """Run the loops step by step by turns and print the medians of their ratios."""
    model = partial(encoder, setup.width, setup.layers)
    data = corpus(2 * setup.batch_size)
    schedule = Hybrid(alpha=0.5).schedule([data], setup.batch_size)
    count = setup.first + setup.steps
    collate = Collate(model().tokenization, [data], None)
    batches = [collate(schedule(0, step)) for step in range(count)]
    forgetful = Collate(model().tokenization, [data], None, cache_bytes=0)
    cached: list[np.ndarray] = []
    tokenised: list[np.ndarray] = []
    for _ in range(repeats):
        in_memory = bare(model(), count, batches.__getitem__)
        tokenising = bare(model(), count, lambda step: forgetful(schedule(0, step)))
        times = ours(model(), schedule, data, count, setup.batch_size, Turns([in_memory, tokenising]))
        trained, plain, _ = later = times[setup.first :].mean(axis=0)
        cached.append(plain / trained)
        tokenised.append(times[:, 2].mean(axis=0) / times[:, 0].mean(axis=0))
        shown = [f"{loop} {wall:.1f} ({cpu:.1f})" for loop, (wall, cpu) in zip(LOOPS, later, strict=True)]
        print(f"{name}: ms a step by the clock (of CPU): {', '.join(shown)}; load {os.getloadavg()[0]:.1f}", flush=True)
    for rival, ratios in (("batches in memory", cached), ("tokenising each batch", tokenised)):
        wall, cpu = np.median(ratios, axis=0)
        low, high = np.min(ratios, axis=0)[1], np.max(ratios, axis=0)[1]
        print(
            f"{name}, bare loop with {rival}: median ratio {cpu:.3f} ({low:.3f} to {high:.3f}) by CPU time, {wall:.3f} "
            f"by the clock, target 0.97",
            flush=True,
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--only", choices=list(SETUPS), help="measure one model")
    options = parser.parse_args()
    torch.set_num_threads(1)
    for name, setup in SETUPS.items():
        if options.only in (None, name):
            measure(name, setup, options.repeats)


if __name__ == "__main__":
    main()
