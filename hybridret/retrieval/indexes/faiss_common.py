"""Common parts of the faiss indexes: the optional package, filling an index in slices, its size, the order of hits."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from importlib import import_module
from typing import Any, cast

import numpy as np

from hybridret.base.errors import UserError
from hybridret.base.progress import Progress
from hybridret.base.records import FloatArray, IntArray
from hybridret.distributed.process_group import ProcessGroup
from hybridret.metrics.ranks import sort_keys
from hybridret.retrieval.indexes.together import raise_on_all_processes
from hybridret.retrieval.topk import WORST
from hybridret.retrieval.vector_source import VectorSource

SLICE = 16384  # passages or rows read at once
_GPU_MOST = 2048  # the most hits per query of faiss on a GPU


def load_faiss() -> Any:
    """The package faiss. Raises UserError if it is not installed."""
    try:
        with warnings.catch_warnings():  # from SWIG, which generates faiss's wrappers: users can do nothing about it
            warnings.filterwarnings("ignore", "builtin type [Ss]wig.* has no __module__", DeprecationWarning)
            return import_module("faiss")
    except ImportError as error:
        raise UserError(
            "This index needs the package faiss, which is not installed. Install it with: pip install "
            "'hybridret[cpu]', or on a machine with NVIDIA GPUs: pip install 'hybridret[gpu]' (never both); "
            "index=exact needs neither."
        ) from error


def to_device(faiss: Any, index: Any, device: str, most: int) -> Any:
    """The index on the GPU `device`, if faiss can use it; else the index itself. `most`: hits of one query."""
    if not device.startswith("cuda") or faiss.get_num_gpus() == 0:
        return index
    if most > _GPU_MOST:
        raise UserError(
            f"faiss on a GPU finds at most {_GPU_MOST} passages a query, and {most} are needed. Lower "
            f"evaluation.depth, use index=exact, or run on the CPU."
        )
    _, _, number = device.partition(":")
    return faiss.index_cpu_to_gpu(faiss.StandardGpuResources(), int(number or 0), index)


def slices(passages: VectorSource, first: int, last: int) -> Iterator[FloatArray]:
    """The vectors `first` to `last` - 1 in slices. Raises UserError if one is not finite: faiss would rank it."""
    for start in range(first, last, SLICE):
        rows = np.ascontiguousarray(passages.rows(start, min(start + SLICE, last)), dtype=np.float32)
        finite = np.isfinite(rows).all(axis=1)
        if not finite.all():
            raise UserError(
                f"The vector of passage {start + int(np.argmin(finite))} holds NaN or infinity and cannot be ranked: "
                f"check the weights and the precision of the encoder, and encode again."
            )
        yield rows


def fill(index: Any, passages: VectorSource, first: int, last: int, progress: Progress) -> float:
    """Add the passages to the index; returns the largest length of a vector."""
    longest = 0.0
    with progress.task("build the index", last - first) as advance:
        for rows in slices(passages, first, last):
            index.add(rows)
            longest = max(longest, float(np.sqrt(np.einsum("pd,pd->p", rows, rows, dtype=np.float64).max())))
            advance(len(rows))
    return longest


def finite_queries(queries: FloatArray) -> FloatArray:
    """The queries as a contiguous fp32 array for faiss. Raises UserError if one is not finite."""
    finite = np.isfinite(queries).all(axis=1)
    if not finite.all():
        raise UserError(
            f"The vector of query {int(np.argmin(finite))} holds NaN or infinity, so that its scores are no numbers. "
            f"Check the weights and the precision of the encoder."
        )
    return np.ascontiguousarray(queries, dtype=np.float32)


def index_bytes(faiss: Any, index: Any) -> int:
    """Size in bytes of the index as a file, counted without storing it."""
    counted = 0

    def count(part: bytes) -> None:
        nonlocal counted
        counted += len(part)

    if hasattr(index, "getDevice"):
        index = faiss.index_gpu_to_cpu(index)
    writer = faiss.PyCallbackIOWriter(count)
    faiss.write_index(index, writer)
    return counted


def hit_keys(scores: FloatArray, columns: IntArray, ties: IntArray) -> IntArray:
    """Keys [q, k], ascending, of hits in any order; column -1 is no hit, `ties` are dense positions."""
    found = columns >= 0
    bad = np.argwhere(found & ~np.isfinite(scores))
    if len(bad):
        query, rank = bad[0]
        raise UserError(
            f"The score of query {query} and passage {columns[query, rank]} (of those searched) is NaN or infinite: "
            f"their vectors are far too large. Check the weights and the precision of the encoder."
        )
    keys = sort_keys(np.where(found, scores, np.float32(0)), ties[columns])
    keys[~found] = WORST
    keys.sort(axis=1)
    return keys


def on_first_process(
    work: Callable[[], tuple[IntArray, IntArray]], processes: ProcessGroup
) -> tuple[IntArray, IntArray]:
    """Two arrays that the first process computes and all processes get; the first is 2-D, the second 1-D."""

    def mine() -> tuple[IntArray, IntArray]:
        return work() if processes.rank == 0 else (np.zeros((0, 0), dtype=np.int64), np.zeros(0, dtype=np.int64))

    keys, numbers = raise_on_all_processes(mine, processes)
    shape = processes.gather(np.array(keys.shape, dtype=np.int64))[0].tolist()
    if processes.rank:  # `gather` lets only the first dimension differ
        keys = np.zeros((0, int(shape[1])), dtype=np.int64)
    return cast(IntArray, processes.gather(keys)[0]), cast(IntArray, processes.gather(numbers)[0])
