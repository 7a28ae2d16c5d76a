"""A toy encoder with dropout whose vectors depend on the ids alone, and a small collection."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from hybridret.base.records import Collection
from hybridret.distributed import free_port as ports


class ToyTokenization:
    """One id per character; counts what is asked of it."""

    def __init__(self) -> None:
        self.shapes: list[tuple[int, int]] = []

    def queries(self, texts: Sequence[str]) -> list[np.ndarray]:
        return [np.array([1, *(2 + ord(c) % 60 for c in text)], dtype=np.int32) for text in texts]

    def passages(self, texts: Sequence[str], contexts: Sequence[str] | None = None) -> list[np.ndarray]:
        joined = texts if contexts is None else [f"{t}|{c}" for t, c in zip(texts, contexts, strict=True)]
        return [np.array([0, *(2 + ord(c) % 60 for c in text)], dtype=np.int32) for text in joined]

    def pad(self, rows: Sequence[np.ndarray], length: int | None = None) -> tuple[Tensor, Tensor]:
        width = length or max(len(row) for row in rows)
        self.shapes.append((len(rows), width))
        ids, mask = np.zeros((len(rows), width), np.int64), np.zeros((len(rows), width), np.int64)
        for i, row in enumerate(rows):
            ids[i, : len(row)], mask[i, : len(row)] = row, 1
        return torch.from_numpy(ids), torch.from_numpy(mask)


class ToyEncoder(nn.Module):
    dimension = 16

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.tokenization = ToyTokenization()
        self.embedding = nn.Embedding(70, self.dimension)
        self.dropout = nn.Dropout(0.5)
        self.frozen = nn.Dropout(0.5).eval()
        self.dtypes: set[torch.dtype] = set()
        self.linear = nn.Linear(self.dimension, self.dimension)

    def forward(self, input_ids: Tensor, attention_mask: Tensor) -> Tensor:
        assert torch.is_inference_mode_enabled()
        hidden = self.linear(self.dropout(self.embedding(input_ids)))
        self.dtypes.add(hidden.dtype)
        pooled = (hidden * attention_mask[..., None]).sum(1).float()
        return nn.functional.normalize(pooled, dim=-1)


@pytest.fixture
def toy_encoder() -> ToyEncoder:
    return ToyEncoder()


@pytest.fixture
def small_collection() -> Collection:
    queries = ["where is rome", "wo liegt rom", "capital of france"]
    passages = ["rome is in italy", "rom liegt in italien", "paris is the capital of france", "paris ist eine stadt"]
    return Collection(
        name="small",
        languages=("en", "de"),
        query_ids=("q0", "q1", "q2"),
        queries=queries,
        query_languages=np.array([0, 1, 0]),
        questions=np.array([0, 0, 1]),
        passage_ids=("p0", "p1", "p2", "p3"),
        passages=passages,
        passage_languages=np.array([0, 1, 0, 1]),
        relevant_queries=np.array([0, 0, 1, 1, 2]),
        relevant_passages=np.array([0, 1, 0, 1, 2]),
        grades=np.ones(5, dtype=np.int64),
    )


class Meetings:
    """The times at which ranks that are threads meet: one barrier each, so that a rank that fails behind one of them
    cannot disturb those that are just leaving it.
    """

    def __init__(self, world: int) -> None:
        self._world, self._lock = world, threading.Lock()
        self._all: dict[int, tuple[threading.Barrier, list[Any]]] = {}
        self._failed: int | None = None

    def at(self, time: int) -> tuple[threading.Barrier, list[Any]]:
        with self._lock:
            found = self._all.setdefault(time, (threading.Barrier(self._world), [None] * self._world))
            if self._failed is not None and time >= self._failed:
                found[0].abort()
            return found

    def fail(self, time: int) -> None:
        """A rank that has met `time` times comes to no other meeting."""
        with self._lock:
            self._failed = time if self._failed is None else min(self._failed, time)
            for number, (barrier, _) in self._all.items():
                if number >= self._failed:
                    barrier.abort()


class ThreadRanks:
    """Ranks that are threads of one process; where one fails, the others get a BrokenBarrierError."""

    def __init__(self, rank: int, world: int, meetings: Meetings) -> None:
        self.rank, self.world = rank, world
        self.met, self._meetings = 0, meetings

    def gather(self, array: Any) -> list[Any]:
        barrier, board = self._meetings.at(self.met)
        board[self.rank] = array
        barrier.wait(30)
        self.met += 1
        return list(board)

    def barrier(self) -> None:
        self.gather(None)


@pytest.fixture
def run_processes() -> Callable[[int, Callable[[Any], Any]], list[Any]]:
    """`run_processes(world, work)`: what `work(processes)` returns on each of `world` processes, or its error."""

    def run(world: int, work: Callable[[Any], Any]) -> list[Any]:
        meetings = Meetings(world)

        def one(rank: int) -> Any:
            processes = ThreadRanks(rank, world, meetings)
            try:
                return work(processes)
            except Exception as error:
                meetings.fail(processes.met)
                return error

        with ThreadPoolExecutor(world) as pool:
            return list(pool.map(one, range(world)))

    return run


@pytest.fixture
def free_port() -> str:
    """A port on which the processes of a test can meet."""
    return str(ports.free_port())
