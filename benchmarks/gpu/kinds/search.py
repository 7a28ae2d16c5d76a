"""Exact search: the best k of many vectors, against the bare products of the same size and against faiss.

`card`: vectors lie in the card's memory; products and torch.topk, tile by tile. It is what a search there can reach,
not what the package does: ties are in no order. `package`: `Exact`, whose vectors come from the memory of the machine
and whose candidates are ordered there; always in fp32.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor

from gpu.stopwatch import forget_peak, peak_bytes, timed
from hybridret.base.progress import Quiet
from hybridret.distributed.process_group import SingleProcess
from hybridret.retrieval.indexes.exact import Exact
from hybridret.retrieval.search_request import SearchRequest
from hybridret.retrieval.vectors import ArrayVectors

DTYPES = {"fp32": torch.float32, "bf16": torch.bfloat16}
TILE = 1 << 16  # passages of one product on the card
PACKAGE_TILE = 1 << 14


def run(options: Mapping[str, Any], device: str) -> dict[str, Any]:
    """Seconds of everything that can be had here."""
    torch.set_float32_matmul_precision("highest")
    forget_peak(device)
    count, wanted, dimension, k = (options[key] for key in ("passages", "queries", "dimension", "k"))
    dtype = DTYPES[options["precision"]]
    generator = torch.Generator(device=device).manual_seed(0)
    found: dict[str, Any] = {"passages": count, "queries": wanted, "k": k, "precision": options["precision"]}
    asked = unit_vectors(wanted, dimension, torch.float32, device, generator)
    if options["from"] == "package":
        return found | _package(asked, count, dimension, k, device, generator)
    vectors = torch.empty(count, dimension, dtype=dtype, device=device)
    for start in range(0, count, TILE):
        rows = min(TILE, count - start)
        vectors[start : start + rows] = unit_vectors(rows, dimension, dtype, device, generator)
    queries = asked.to(dtype)
    bare(queries, vectors[: 4 * TILE])
    best_of(queries, vectors[: 4 * TILE], min(k, len(vectors[: 4 * TILE])))
    found["seconds_bare_product"] = min(timed(lambda: bare(queries, vectors), device) for _ in range(3))
    found["seconds"] = min(timed(lambda: best_of(queries, vectors, k), device) for _ in range(2))
    found["bytes_read"] = vectors.numel() * vectors.element_size()
    found["peak_bytes"] = peak_bytes(device)
    return found | (_faiss(queries, vectors, k, device) if options["precision"] == "fp32" else {})


def unit_vectors(rows: int, dimension: int, dtype: torch.dtype, device: str, generator: torch.Generator) -> Tensor:
    drawn = torch.randn(rows, dimension, device=device, generator=generator)
    return torch.nn.functional.normalize(drawn, dim=1).to(dtype)


def bare(queries: Tensor, vectors: Tensor) -> None:
    """Every product and nothing else; scores are thrown away."""
    for start in range(0, len(vectors), TILE):
        product(queries, vectors[start : start + TILE])


def product(queries: Tensor, part: Tensor) -> Tensor:
    """[q, p] fp32: of bf16 vectors, too, sums are in fp32."""
    if queries.dtype == torch.float32:
        return queries @ part.T
    if queries.device.type == "cuda" and "out_dtype" in (torch.mm.__doc__ or ""):
        return torch.mm(queries, part.T, out_dtype=torch.float32)
    return (queries @ part.T).float()


def best_of(queries: Tensor, vectors: Tensor, k: int) -> tuple[Tensor, Tensor]:
    """Scores [q, k] and rows [q, k] of the best: tile by tile, each beside the best so far."""
    scores = torch.full((len(queries), k), -torch.inf, device=queries.device)
    rows = torch.zeros((len(queries), k), dtype=torch.int64, device=queries.device)
    for start in range(0, len(vectors), TILE):
        part = product(queries, vectors[start : start + TILE])
        values, columns = part.topk(min(k, part.shape[1]), dim=1)
        scores, order = torch.cat([scores, values], dim=1).topk(k, dim=1)
        rows = torch.cat([rows, columns + start], dim=1).gather(1, order)
    return scores, rows


def _package(
    asked: Tensor, count: int, dimension: int, k: int, device: str, generator: torch.Generator
) -> dict[str, Any]:
    """Vectors in the memory of the machine, as after encoding."""
    vectors = torch.empty(count, dimension)
    for start in range(0, count, TILE):
        rows = min(TILE, count - start)
        vectors[start : start + rows] = unit_vectors(rows, dimension, torch.float32, device, generator).cpu()
    ties = np.random.default_rng(3).permutation(count)
    request = SearchRequest(asked.cpu().numpy(), ArrayVectors(vectors.numpy()), 0, count, ties, k, device)
    index = Exact(len(asked), PACKAGE_TILE)
    seconds = timed(lambda: index.search(request, SingleProcess(), Quiet()), device)
    return {"seconds": seconds, "bytes_read": count * dimension * 4, "peak_bytes": peak_bytes(device)}


def _faiss(queries: Tensor, vectors: Tensor, k: int, device: str) -> dict[str, Any]:
    try:
        there = importlib.util.find_spec("faiss") is not None
    except ImportError:
        there = False
    if not there:
        return {"faiss": "not measured: it is not installed"}
    import faiss

    if device == "cuda" and not hasattr(faiss, "StandardGpuResources"):
        return {"faiss": "not measured: it is installed without GPU"}
    index = faiss.IndexFlatIP(vectors.shape[1])
    if device == "cuda":
        index = faiss.index_cpu_to_gpu(faiss.StandardGpuResources(), 0, index)
    host = queries.cpu().numpy()
    for start in range(0, len(vectors), TILE):
        index.add(vectors[start : start + TILE].cpu().numpy())
    index.search(host[:8], k)
    return {"seconds_faiss": timed(lambda: index.search(host, k), device)}
