"""Preparing generated pairs in 4 languages at two sizes: rows per CPU second, and does the peak memory grow with them?

    python benchmarks/data_scale.py                    # 5 and 20 million pairs: 5 minutes on one thread, 10 GB of disk
    python benchmarks/data_scale.py --pairs 2e6 8e6    # 2 minutes, 4 GB of disk
                                                       # targets: 60,000 rows per CPU second, peaks within 5%

A pair is a question and a passage in one language, a row of a file; questions have about 40 letters and passages 200.
One language of parquet files is in another order than the others; three questions share a passage. Each size is
prepared in a process of its own, which reports its peak and the CPU seconds of all its threads. The target is for the
peak as the system counts it, with pages of mapped files, which it could take back; beside it stands the peak of
anonymous pages, which it could not, looked at every 20 ms. Linux only.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterable
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute
import pyarrow.parquet as pq

from hybridret.base.progress import Quiet
from hybridret.data.prepared.source import PreparedSource
from hybridret.data.tables.json_rows import json_rows
from hybridret.data.tables.parquet import parquet
from hybridret.data.tables.tsv import tsv

LANGUAGES = ("ar", "de", "en", "zh")
COLUMNS = {"question": "query", "passage": "positive", "id": "qid", "passage_id": "pid"}
TARGET, WITHIN = 60_000, 0.05
BLOCK = 1 << 16  # rows that are generated at a time
WORDS = 997
SOURCES = {"parquet": (parquet, "parquet"), "tsv": (tsv, "tsv"), "json_rows": (json_rows, "jsonl")}


def tables(language: int, questions: int, seed: int) -> pa.Table:
    """The rows of one language: the last language is in the reverse order."""
    rng = np.random.default_rng([seed, language])
    words = pa.array([f"{LANGUAGES[language]}{number:03d}x" for number in range(WORDS)])
    for start in range(0, questions, BLOCK):
        question = np.arange(start, min(questions, start + BLOCK))
        if language == len(LANGUAGES) - 1:
            question = questions - 1 - question
        passage = question // 3
        numbers = pa.array(question).cast(pa.string()), pa.array(passage).cast(pa.string())
        asked = _words(words, rng.integers(0, WORDS, (len(question), 4)))
        seeds = (passage[:, None] * 31 + np.arange(24) * 7) % WORDS  # a passage has one text in a language
        answered = _words(words, seeds)
        join = pa.compute.binary_join_element_wise
        yield pa.table(
            {"qid": join("q", numbers[0], ""), "query": join(asked, numbers[0], " "),
             "pid": join("p", numbers[1], ""), "positive": join(answered, numbers[1], " ")}
        )  # fmt: skip


def _words(words: pa.Array, numbers: np.ndarray) -> pa.Array:
    return pa.compute.binary_join_element_wise(*(words.take(pa.array(column)) for column in numbers.T), " ")


def write(folder: Path, pairs: int, kind: str) -> None:
    """Two files a language."""
    questions = pairs // len(LANGUAGES)
    for number, language in enumerate(LANGUAGES):
        blocks = tables(number, questions, 1)
        for part, count in enumerate((-(-questions // BLOCK) // 2, None)):
            taken = [next(blocks) for _ in range(count)] if count is not None else blocks
            _write_file(folder / f"{language}.{part}.{kind}", taken, kind)


def _write_file(path: Path, blocks: Iterable[Any], kind: str) -> None:
    writer = None
    with open(path, "wb") as file:
        for block in blocks:
            if kind == "parquet":
                writer = writer or pq.ParquetWriter(file, block.schema)
                writer.write_table(block, row_group_size=BLOCK)
            elif kind == "tsv":
                import pyarrow.csv as csv

                if not file.tell():
                    file.write("\t".join(block.column_names).encode() + b"\n")
                options = csv.WriteOptions(include_header=False, delimiter="\t", quoting_style="none")
                csv.write_csv(block, file, options)
            else:
                file.writelines((json.dumps(row) + "\n").encode() for row in block.to_pylist())
        if writer is not None:
            writer.close()


def status(*names: str) -> int:
    """Bytes: the sum of these lines. VmHWM, the peak, is not from getrusage: on Linux that number is never below the
    one of the process that started this one.
    """
    lines = (line.split() for line in Path("/proc/self/status").read_text().splitlines())
    return 1024 * sum(int(line[1]) for line in lines if line[0].rstrip(":") in names)


class Anonymous:
    """The peak of memory that belongs to no file, in bytes, while this context is open."""

    peak = 0

    def __enter__(self) -> Anonymous:
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._look, daemon=True)
        self._thread.start()
        return self

    def _look(self) -> None:
        while not self._done.wait(0.02):
            self.peak = max(self.peak, status("RssAnon", "RssShmem"))

    def __exit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        self._done.set()
        self._thread.join()


def child(folder: Path, kind: str) -> None:
    """Prepare, and print the two peaks in bytes, CPU seconds, and seconds by the clock."""
    make, ending = SOURCES[kind]
    files = {language: f"{language}.*.{ending}" for language in LANGUAGES}
    source = make(str(folder), files, COLUMNS, parallel=True)
    began = time.process_time(), time.perf_counter()
    with Anonymous() as anonymous:
        prepared = PreparedSource(source).prepare(Quiet())
    seconds = time.process_time() - began[0], time.perf_counter() - began[1]
    summary = prepared.about["summary"]
    assert summary["pairs_in_all_languages"] == summary["pairs"]
    print(json.dumps([status("VmHWM"), anonymous.peak, *seconds]))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pairs", type=float, nargs="+", default=[5e6, 20e6], help="rows of all languages together")
    parser.add_argument("--source", choices=SOURCES, default="parquet")
    parser.add_argument("--folder", type=Path, default=None, help="where the temporary folder goes")
    parser.add_argument("--child", type=Path, default=None, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.child:
        child(options.child, options.source)
        return
    peaks = []
    for pairs in sorted(map(int, options.pairs)):
        with tempfile.TemporaryDirectory(dir=options.folder) as folder:
            (path := Path(folder) / "rows").mkdir()
            write(path, pairs, SOURCES[options.source][1])
            size = sum(file.stat().st_size for file in path.iterdir())
            command = [sys.executable, __file__, "--child", str(path), "--source", options.source]
            environment = {**os.environ, "HYBRIDRET_CACHE": str(Path(folder) / "cache")}
            done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True, env=environment)
            peak, anonymous, cpu, wall = json.loads(done.stdout)
            stored = sum(file.stat().st_size for file in (Path(folder) / "cache").rglob("*") if file.is_file())
        peaks.append((peak, anonymous))
        print(
            f"{pairs} pairs in {len(LANGUAGES)} languages ({size / 1e6:.0f} MB of {options.source}, {stored / 1e6:.0f} "
            f"MB prepared): {pairs / cpu:.0f} rows per CPU second, target {TARGET}; {cpu:.1f} s of CPU, {wall:.1f} s "
            f"by the clock; peak {peak / 1e6:.0f} MB, {anonymous / 1e6:.0f} MB without files; "
            f"load {os.getloadavg()[0]:.1f}",
            flush=True,
        )
    if len(peaks) > 1:
        whole, own = (largest / smallest for smallest, largest in zip(peaks[0], peaks[-1], strict=True))
        target = f"target at most {1 + WITHIN:.2f}"
        print(f"peak of the largest / of the smallest: {whole:.3f}, {target}; without files {own:.3f}")


if __name__ == "__main__":
    main()
