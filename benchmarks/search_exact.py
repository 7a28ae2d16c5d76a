"""Seconds of exact top-k search over seconds of the bare matmuls of the same tiles, and over those of faiss Flat.

    python benchmarks/search_exact.py       # 1,000 queries, 1 million x 384, k = 1000: about 2 minutes on one thread
                                            # targets: at most 1.15 of the bare matmuls, at most 1.00 of faiss Flat

Ours returns the exact best k in the order of ties; the matmuls throw their scores away; faiss gives ties in no order.
There are two kinds of matmuls: the very calls of ours (oneDNN where torch has it), and torch.mm of the same tiles.
The vectors are random and of length 1, in memory, in random order.
"""

from __future__ import annotations

import argparse
import os
import statistics
import time
from collections.abc import Callable

import numpy as np
import torch

from hybridret.base.progress import Quiet
from hybridret.base.records import FloatArray
from hybridret.distributed.process_group import SingleProcess
from hybridret.retrieval.indexes.exact import Exact
from hybridret.retrieval.indexes.exact_scan import inner_products, operand
from hybridret.retrieval.indexes.faiss_common import load_faiss
from hybridret.retrieval.search_request import SearchRequest
from hybridret.retrieval.vectors import ArrayVectors


def unit_vectors(count: int, dimension: int, seed: int) -> FloatArray:
    """Random directions, made in parts: fp32 all along."""
    rng = np.random.default_rng(seed)
    vectors = np.empty((count, dimension), dtype=np.float32)
    for start in range(0, count, 65536):
        part = rng.standard_normal((min(65536, count - start), dimension), dtype=np.float32)
        vectors[start : start + len(part)] = part / np.linalg.norm(part, axis=1, keepdims=True)
    return vectors


@torch.inference_mode()
def bare_matmuls(queries: FloatArray, passages: FloatArray, query_tile: int, passage_tile: int, plain: bool) -> None:
    """The same padded tiles with the same calls on one thread, or `plain` torch.mm; scores are thrown away."""
    tiles = torch.zeros((-(-len(queries) // query_tile), query_tile, queries.shape[1]))
    tiles.view(-1, queries.shape[1]).numpy()[: len(queries)] = queries
    vectors = torch.zeros((passage_tile, queries.shape[1]))
    scores = torch.empty((query_tile, passage_tile))
    prepared = [operand(tile, "cpu") for tile in tiles]
    for start in range(0, len(passages), passage_tile):
        part = torch.from_numpy(passages[start : start + passage_tile])
        if len(part) < passage_tile:
            vectors[: len(part)], part = part, vectors
        if plain:
            for tile in tiles:
                torch.mm(tile, part.T, out=scores)
        else:
            columns = operand(part, "cpu")
            for one in prepared:
                inner_products(one, columns)


def timed(work: Callable[[], object]) -> tuple[float, float]:
    """CPU seconds of this process, and seconds by the clock."""
    began = time.process_time(), time.perf_counter()
    work()
    return time.process_time() - began[0], time.perf_counter() - began[1]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--queries", type=int, default=1000)
    parser.add_argument("--passages", type=int, default=1_000_000)
    parser.add_argument("--dimension", type=int, default=384)
    parser.add_argument("--k", type=int, default=1000)
    parser.add_argument("--query-tile", type=int, default=256)
    parser.add_argument("--passage-tile", type=int, default=1024)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--no-faiss", action="store_true", help="leave out faiss Flat and its copy of the vectors")
    options = parser.parse_args()
    torch.set_num_threads(1)
    queries = unit_vectors(options.queries, options.dimension, 1)
    passages = unit_vectors(options.passages, options.dimension, 2)
    source, ties = ArrayVectors(passages), np.random.default_rng(3).permutation(len(passages))
    exact = Exact(options.query_tile, options.passage_tile)

    def ours() -> None:
        exact.search(SearchRequest(queries, source, 0, len(source), ties, options.k), SingleProcess(), Quiet())

    tiles = (options.query_tile, options.passage_tile)
    rivals: dict[str, tuple[Callable[[], object], float]] = {
        "bare matmuls": (lambda: bare_matmuls(queries, passages, *tiles, plain=False), 1.15),
        "bare torch.mm": (lambda: bare_matmuls(queries, passages, *tiles, plain=True), 1.15),
    }
    if not options.no_faiss:
        faiss = load_faiss()
        faiss.omp_set_num_threads(1)
        flat = faiss.IndexFlatIP(options.dimension)
        for start in range(0, len(passages), 65536):
            flat.add(passages[start : start + 65536])
        rivals["faiss Flat"] = (lambda: flat.search(queries, options.k), 1.0)
    print(
        f"{options.queries} queries, {options.passages} x {options.dimension}, k = {options.k}, one thread", flush=True
    )
    cpu: dict[str, list[float]] = {name: [] for name in rivals}
    wall: dict[str, list[float]] = {name: [] for name in rivals}
    for repeat in range(options.repeats):
        works = [("ours", ours), *((name, work) for name, (work, _) in rivals.items())]
        seconds = {name: timed(work) for name, work in (works[::-1] if repeat % 2 else works)}
        for name in rivals:
            cpu[name].append(seconds["ours"][0] / seconds[name][0])
            wall[name].append(seconds["ours"][1] / seconds[name][1])
        shown = ", ".join(f"{name} {spent[0]:.2f} ({spent[1]:.2f})" for name, spent in sorted(seconds.items()))
        print(f"seconds of CPU (by the clock): {shown}; load {os.getloadavg()[0]:.1f}", flush=True)
    for name, (_, target) in rivals.items():
        for kind, ratios in (("CPU time", cpu[name]), ("wall clock", wall[name])):
            spread = f"{min(ratios):.3f} to {max(ratios):.3f}"
            print(f"ours / {name}: median {statistics.median(ratios):.3f} ({spread}) by {kind}, target {target}")


if __name__ == "__main__":
    main()
