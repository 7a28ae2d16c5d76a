from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import numpy as np
import pytest
import torch

from hybridret.base.progress import Quiet
from hybridret.base.records import FloatArray, Hits, IntArray
from hybridret.distributed.process_group import ProcessGroup
from hybridret.retrieval.protocols import Index
from hybridret.retrieval.search_request import SearchRequest


@dataclass
class Memory:
    """Vectors in memory, read-only as those of a mapped file are; remembers what was read."""

    vectors: FloatArray
    reads: list[tuple[int, int]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.vectors.flags.writeable = False

    def __len__(self) -> int:
        return len(self.vectors)

    @property
    def dimension(self) -> int:
        return int(self.vectors.shape[1])

    def rows(self, start: int, stop: int) -> FloatArray:
        assert 0 <= start < stop <= len(self)
        self.reads.append((start, stop))
        return self.vectors[start:stop]


class Threads:
    """ProcessGroup that are threads of one process."""

    def __init__(self, rank: int, world: int, meeting: threading.Barrier, board: list[Any]) -> None:
        self.rank, self.world = rank, world
        self._meeting, self._board = meeting, board

    def gather(self, array: IntArray) -> list[IntArray]:
        self._board[self.rank] = array
        self._meeting.wait(30)
        arrays = list(self._board)
        self._meeting.wait(30)
        return arrays

    def barrier(self) -> None:
        self._meeting.wait(30)


def processes_of(world: int) -> list[Threads]:
    meeting, board = threading.Barrier(world), [None] * world
    return [Threads(rank, world, meeting, board) for rank in range(world)]


Search = Callable[..., Hits]


@pytest.fixture
def threads() -> Iterator[None]:
    """Gives torch back the threads that it had."""
    before = torch.get_num_threads()
    yield
    torch.set_num_threads(before)


@pytest.fixture
def source() -> type[Memory]:
    return Memory


@pytest.fixture
def search() -> Search:
    """`search(index, queries, passages, k)` on one rank; further arguments by name."""

    def run(
        index: Index,
        queries: FloatArray,
        passages: FloatArray | Memory,
        k: int,
        first: int = 0,
        last: int | None = None,
        ties: IntArray | None = None,
        processes: ProcessGroup | None = None,
    ) -> Hits:
        passages = passages if isinstance(passages, Memory) else Memory(passages)
        last = len(passages) if last is None else last
        ties = np.arange(last - first) if ties is None else ties
        processes = processes or processes_of(1)[0]
        return index.search(SearchRequest(queries, passages, first, last, ties, k), processes, Quiet())

    return run


@pytest.fixture
def search_processes(search: Search, threads: None) -> Callable[..., list[Hits | BaseException]]:
    """`search_processes(world, make, ...)`: what each of `world` ranks gets with an index of its own, or its error."""

    def run(world: int, make: Callable[[], Index], *args: Any, **named: Any) -> list[Any]:
        with ThreadPoolExecutor(world) as pool:
            jobs = [
                pool.submit(partial(search, make(), *args, processes=processes, **named))
                for processes in processes_of(world)
            ]
            return [job.exception() or job.result() for job in jobs]

    return run


def unit(count: int, dimension: int, seed: int) -> FloatArray:
    vectors = np.random.default_rng(seed).standard_normal((count, dimension)).astype(np.float32)
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


@pytest.fixture
def unit_vectors() -> Callable[[int, int, int], FloatArray]:
    """`unit_vectors(count, dimension, seed)`: [count, dimension] of length 1."""
    return unit


@pytest.fixture
def small_integers() -> Callable[..., FloatArray]:
    """`small_integers(count, dimension, seed, largest=1)`: scores are exact integers, most of them equal."""

    def make(count: int, dimension: int, seed: int, largest: int = 1) -> FloatArray:
        rng = np.random.default_rng(seed)
        return rng.integers(-largest, largest, (count, dimension), endpoint=True).astype(np.float32)

    return make
