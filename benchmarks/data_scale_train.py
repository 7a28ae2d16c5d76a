"""Training on prepared data of 5 and of 20 million pairs: the start of a point, its memory, and its throughput.

    python benchmarks/data_scale_train.py      # about 20 minutes on one thread, 4 GB of disk in a temporary folder
        # targets: a point starts in 2 s, its peak of private memory grows at most 5% from the smallest to the largest,
        # throughput at least 0.98 of texts in memory

Questions in four languages with short texts; each language lacks a twentieth of them, so there are 3.8 pairs to a
question, and half of the questions share their passage with another one. A start is opening the prepared data, making
the schedule of hybrid batches of 128 and the collate object, and the first batch; torch and this package are imported
before. "Cold": the pages of the files were dropped before. Each size is a process of its own.

Private memory is RssAnon, looked at every 5 ms. Resident memory (VmHWM) also counts the pages of mapped files, prepared
or scratch, which the system takes back when it needs room. Throughput is that of schedule and collate (which tokenises
new texts) without a model, by turns with the same texts in lists. Linux only.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as compute
import torch

from hybridret.base.progress import Quiet
from hybridret.base.records import IntArray, ParallelPairs
from hybridret.base.settings import TextSettings
from hybridret.batching.hybrid import Hybrid
from hybridret.data.prepared.folder import PreparedFolder, complete, write_about
from hybridret.data.prepared.stored_pairs import write_about as write_about_pairs
from hybridret.data.prepared.stored_texts import ROWS, write_texts
from hybridret.encoders.tokenization import Tokenization
from hybridret.encoders.tokenizer_training import trained_tokenizer
from hybridret.training.collate import Collate

LANGUAGES = ("en", "de", "ru", "zh")
WORDS = (
    "river",
    "castle",
    "north",
    "old",
    "bridge",
    "market",
    "winter",
    "stone",
    "garden",
    "island",
    "letter",
    "music",
)
PRIMES = (7, 31, 101, 997, 53, 389)
BATCH, SEED = 128, 1
STEPS = 600  # in the process of one size, after the start
ROUNDS, ROUND = 9, 200
HELD_OUT = 1000
START, GROWTH, THROUGHPUT = 2.0, 1.05, 0.98


class Few:
    """Texts of a tokenizer."""

    def texts(self) -> Iterable[str]:
        numbers = np.arange(0, 20_000, 7)
        return [text for one in LANGUAGES for text in texts_of(numbers, one, "passages").to_pylist()]

    def fingerprint(self) -> str:
        return "benchmarks/data_scale_train"


def texts_of(numbers: IntArray, language: str, side: str) -> Any:
    """Queries or passages as an Arrow array: made by Python's own loop they would take longer than all else."""
    count = 2 if side == "queries" else 6
    words = [pa.array(WORDS).take(pa.array((numbers * prime >> 3) % len(WORDS))) for prime in PRIMES[:count]]
    return compute.binary_join_element_wise(language, *words, pa.array(numbers).cast(pa.string()), " ")


def write_column(path: Path, questions: int, language: int, side: str) -> None:
    """Every twentieth question lacks a language, each another one; the layout is that of `write_texts`."""
    schema = pa.schema([("text", pa.large_string())])
    with pa.OSFile(str(path), "wb") as sink, pa.ipc.new_file(sink, schema) as writer:
        for start in range(0, questions, ROWS):
            numbers = np.arange(start, min(start + ROWS, questions))
            texts = texts_of(numbers, LANGUAGES[language], side).cast(pa.large_string())
            if side == "queries":
                lacks = pa.array((numbers // 4 + 5 * language) % 20 == 0)
                texts = compute.if_else(lacks, pa.scalar(None, pa.large_string()), texts)
            writer.write_batch(pa.record_batch([texts], schema=schema))


def write(folder: Path, questions: int) -> None:
    """Prepared data of so many questions; 1,000 are held out."""
    for name, count in (("training-0", questions), ("validation", HELD_OUT)):
        below = folder / name
        below.mkdir(parents=True)
        for number, language in enumerate(LANGUAGES):
            for side in ("queries", "passages"):
                write_column(below / f"{side}.{language}.arrow", count, number, side)
        write_texts(below / "question_ids.arrow", map(str, range(count)))
        own = np.arange(count, dtype=np.int64)
        own[3::4] = own[2::4]  # of four questions the last two share a passage
        np.save(below / "question_passages.npy", own)
        np.save(below / "passage_groups.npy", own)
        write_about_pairs(below, "generated", LANGUAGES)
    about = {"training": ["training-0"], "test": [], "fingerprint": str(questions), "summary": None}
    complete(folder, about, Quiet())
    write_about(folder, {"name": "generated", "licence": "", **about})


def memory(key: str) -> int:
    """Bytes of `key` in the status of this process."""
    (line,) = [line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith(f"{key}:")]
    return int(line.split()[1]) * 1024


class PeakPrivate(threading.Thread):
    """The largest private memory of this process, looked at every 5 ms."""

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self.peak, self._ended = memory("RssAnon"), threading.Event()

    def run(self) -> None:
        while not self._ended.wait(0.005):
            self.peak = max(self.peak, memory("RssAnon"))

    def end(self) -> int:
        self._ended.set()
        self.join()
        return self.peak


def drop_pages(folder: Path) -> None:
    """Let the system forget what it keeps of the files."""
    for path in folder.rglob("*"):
        if path.is_file():
            with open(path, "rb") as file:
                os.fsync(file.fileno())
                os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


class Point:
    """What a point of a sweep makes of its data before the model: step by step."""

    def __init__(self, datasets: tuple[ParallelPairs, ...], tokenization: Tokenization) -> None:
        self._batch_at = Hybrid(0.5).schedule(datasets, BATCH)
        self._collate = Collate(tokenization, datasets, None)

    def steps(self, start: int, stop: int) -> float:
        """Seconds of CPU time of these steps."""
        began = time.process_time()
        for step in range(start, stop):
            self._collate(self._batch_at(SEED, step))
        return time.process_time() - began


def tokenizer() -> Tokenization:
    return Tokenization(trained_tokenizer(Few(), 2000), TextSettings("", "", 32, 32))


def start(folder: Path, cold: bool) -> dict[str, Any]:
    """Start a point, and go on for some steps, in which every stream makes its first epoch."""
    tokenization = tokenizer()
    tokenization.queries(["warm"])
    if cold:
        drop_pages(folder)
    before = memory("RssAnon")
    watch = PeakPrivate()
    watch.start()
    began, cpu = time.perf_counter(), time.process_time()
    datasets = PreparedFolder(folder).training()
    opened = time.perf_counter()
    point = Point(datasets, tokenization)
    made = time.perf_counter()
    point.steps(0, 1)
    ended, used = time.perf_counter(), time.process_time() - cpu
    seconds = point.steps(1, STEPS)
    peak = watch.end()
    return {
        "pairs": int(datasets[0].present.sum()),
        "seconds": [opened - began, made - opened, ended - made],
        "cpu": used,
        "before": before,
        "peak": peak,
        "resident": memory("VmHWM"),
        "steps": (STEPS - 1) / seconds,
    }


def in_memory(pairs: ParallelPairs) -> ParallelPairs:
    texts = {side: {one: list(getattr(pairs, side)[one]) for one in LANGUAGES} for side in ("queries", "passages")}
    for language in LANGUAGES:  # a missing question has no passage
        asked, answered = texts["queries"][language], texts["passages"][language]
        texts["passages"][language] = [
            None if query is None else text for query, text in zip(asked, answered, strict=True)
        ]
    ids = tuple(str(one) for one in pairs.question_ids)
    return ParallelPairs(
        pairs.name, pairs.languages, ids, texts["queries"], texts["passages"], np.array(pairs.passage_groups)
    )


def throughput(folder: Path) -> None:
    """Prepared data and the same texts in lists, by turns."""
    tokenization = tokenizer()
    datasets = PreparedFolder(folder).training()
    points = {"prepared": Point(datasets, tokenization), "in memory": Point((in_memory(datasets[0]),), tokenization)}
    for point in points.values():
        point.steps(0, 60)  # every stream has its epoch
    ratios = []
    for number in range(ROUNDS):
        names = list(points) if number % 2 else list(reversed(points))
        seconds = {name: points[name].steps(60 + number * ROUND, 60 + (number + 1) * ROUND) for name in names}
        ratios.append(seconds["in memory"] / seconds["prepared"])
        print(
            f"{ROUND} batches: in memory {seconds['in memory']:.2f} s, prepared {seconds['prepared']:.2f} s of CPU; "
            f"ratio {ratios[-1]:.3f}; load {os.getloadavg()[0]:.1f}",
            flush=True,
        )
    print(
        f"throughput of prepared data / of texts in memory: median {statistics.median(ratios):.3f} ({min(ratios):.3f} "
        f"to {max(ratios):.3f}), target {THROUGHPUT}"
    )


def show(questions: int, found: dict[str, Any], kind: str) -> None:
    opened, made, first = found["seconds"]
    print(
        f"{found['pairs']:,} pairs of {questions:,} questions, {kind}: start {sum(found['seconds']):.2f} s (wall) "
        f"(open {opened:.2f}, schedule {made:.2f}, first batch {first:.2f}), {found['cpu']:.2f} s of CPU, target "
        f"{START}; load {os.getloadavg()[0]:.1f}"
    )
    print(
        f"    {found['steps']:.0f} batches per CPU second; private memory {found['peak'] / 1e6:.1f} MB at the peak, "
        f"{found['before'] / 1e6:.1f} MB before; resident {found['resident'] / 1e6:.0f} MB",
        flush=True,
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--questions", type=int, nargs="+", default=[1_320_000, 5_280_000])
    parser.add_argument("--folder", type=Path, default=None, help="where the temporary folder goes")
    parser.add_argument("--child", nargs=2, default=None, help=argparse.SUPPRESS)
    options = parser.parse_args()
    torch.set_num_threads(1)
    if options.child:
        kind, path = options.child
        if kind == "throughput":
            throughput(Path(path))
        else:
            print(json.dumps(start(Path(path), kind == "cold")))
        return
    sizes = sorted(options.questions)
    with tempfile.TemporaryDirectory(dir=options.folder) as folder:
        os.environ["HYBRIDRET_CACHE"] = str(Path(folder) / "cache")
        tokenizer()  # into the cache: no process of a size trains it
        peaks = []
        for size in sizes:
            path = Path(folder) / str(size)
            began = time.perf_counter()
            write(path, size)
            gigabytes = sum(one.stat().st_size for one in path.rglob("*") if one.is_file()) / 1e9
            print(f"{size:,} questions written in {time.perf_counter() - began:.0f} s, {gigabytes:.1f} GB", flush=True)
            for kind in ("cold", "warm", "warm"):
                found = json.loads(child(kind, path))
                show(size, found, kind)
            peaks.append(found["peak"])
        for size, peak in zip(sizes[1:], peaks[1:], strict=True):
            print(
                f"private memory of {size:,} questions / of {sizes[0]:,}: {peak / peaks[0]:.3f}, target {GROWTH}",
                flush=True,
            )
        print(child("throughput", Path(folder) / str(sizes[0])), end="", flush=True)


def child(kind: str, path: Path) -> str:
    command = [sys.executable, __file__, "--child", kind, str(path)]
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout


if __name__ == "__main__":
    main()
