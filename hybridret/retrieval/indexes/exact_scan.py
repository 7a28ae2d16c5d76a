"""The computation of exact search: every query with every passage, streamed, in memory that does not grow with them.

The work is cut into matmuls of `query_tile` x `passage_tile`, counted from query 0 and from passage `first`; the last
ones are padded with zeros. BLAS libraries may add in another order for another shape or number of threads, so a matmul
is never split and runs on one thread. Instead, threads and processes take whole passage tiles in turn, and their
candidates are merged: scores and results have the same bits for any number of threads and processes. Another tile size,
kind of processor or version of torch may change last bits.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from contextlib import contextmanager
from dataclasses import dataclass, field

import numpy as np
import torch
from torch import Tensor

from hybridret.base.errors import UserError
from hybridret.base.progress import Advance
from hybridret.base.records import IntArray
from hybridret.retrieval.one_thread import one_thread
from hybridret.retrieval.search_request import SearchRequest
from hybridret.retrieval.topk import TopK, merge_keys, survivors


@dataclass
class Scan:
    """The passage tiles of one process, which begin at `starts`, against the queries `part` of a request.

    `ties` [P] is the tie order of the request as a permutation of 0 to P - 1.
    """

    request: SearchRequest
    part: slice
    starts: Iterator[int]
    ties: IntArray
    advance: Advance
    lock: threading.Lock = field(default_factory=threading.Lock)  # sources and progress are not thread-safe

    def run(self, query_tile: int, passage_tile: int) -> IntArray:
        """Keys [q, k], ascending, of the best passages of this process's tiles; `WORST` after the last one."""
        bad = np.flatnonzero(~np.isfinite(self.request.queries[self.part]).all(axis=1))
        if len(bad):
            raise UserError(
                f"The vector of query {self.part.start + int(bad[0])} holds NaN or infinity, so that its scores, from "
                f"passage {self.request.first} on, are no numbers. Check the weights and the precision of the encoder."
            )
        with _one_thread_matmuls() as threads:
            if threads == 1 or torch.device(self.request.device).type != "cpu":
                return self._work(query_tile, passage_tile)
            with ThreadPoolExecutor(threads, "search") as pool:
                workers = [pool.submit(self._work, query_tile, passage_tile) for _ in range(threads)]
                try:
                    wait(workers, return_when=FIRST_EXCEPTION)
                finally:
                    self.starts = iter(())  # no more tiles: after an error or Ctrl-C the other threads end
                return merge_keys([worker.result() for worker in workers], self.request.depth)

    @torch.inference_mode()
    def _work(self, query_tile: int, passage_tile: int) -> IntArray:
        """The work of one thread: tile after tile until no tile is left. Returns its best keys [q, k]."""
        request, queries = self.request, self.request.queries[self.part]
        count, dimension = queries.shape
        tiles = torch.zeros((-(-count // query_tile), query_tile, dimension))
        tiles.view(-1, dimension).numpy()[:count] = queries
        prepared = [operand(tile, request.device) for tile in tiles]
        best = [TopK(min(query_tile, count - row), request.depth, passage_tile) for row in range(0, count, query_tile)]
        vectors = torch.zeros((passage_tile, dimension))
        lower = np.empty((query_tile, passage_tile), dtype=np.bool_)
        while (start := self._next(vectors)) is not None:
            width = min(passage_tile, request.last - start)
            columns = operand(vectors, request.device)
            ties = self.ties[start - request.first : start - request.first + width]
            for number, kept in enumerate(best):
                scores = inner_products(prepared[number], columns)[: len(kept.thresholds)]
                flat, values = survivors(scores, kept.thresholds, width, lower)
                if not np.isfinite(values).all():
                    position = int(flat[np.flatnonzero(~np.isfinite(values))[0]])
                    query = self.part.start + number * query_tile + position // passage_tile
                    raise _not_finite(query, start + position % passage_tile)
                kept.add(flat, values, passage_tile, ties)
            with self.lock:
                self.advance(width)
        return np.concatenate([kept.best() for kept in best])

    def _next(self, vectors: Tensor) -> int | None:
        """Read the next tile into `vectors` [passage_tile, D]. Returns its first passage, None after the last tile."""
        with self.lock:
            start = next(self.starts, None)
            if start is None:
                return None
            width = min(len(vectors), self.request.last - start)
            vectors.numpy()[:width] = self.request.passages.rows(start, start + width)
        vectors[width:] = 0
        if not torch.isfinite(vectors.sum()):  # a quick test: the sum of finite numbers is hardly ever infinite
            bad = torch.isfinite(vectors).all(dim=1).logical_not().nonzero()
            if len(bad):
                raise _not_finite(self.part.start, start + int(bad[0]))
        return start


def _not_finite(query: int, passage: int) -> UserError:
    return UserError(
        f"The score of query {query} and passage {passage} is NaN or infinite. A vector that holds no number, or "
        f"far too large ones, cannot be ranked: check the weights and the precision of the encoder, and encode again."
    )


def operand(tile: Tensor, device: str) -> Tensor:
    """A tile [n, D] as input of `inner_products`: on its device; on a CPU in the layout of oneDNN if torch has it.

    The BLAS behind torch.mm depends on the build of torch. On processors that MKL does not recognise as Intel's, oneDNN
    is twice as fast in the same precision.
    """
    if torch.device(device).type == "cpu" and torch.backends.mkldnn.is_available():  # type: ignore[no-untyped-call]
        return tile.to_mkldnn()
    return tile.to(device)


def inner_products(queries: Tensor, passages: Tensor) -> Tensor:
    """[q, p] fp32: the inner products of two results of `operand`."""
    if queries.is_mkldnn:
        return torch.nn.functional.linear(queries, passages).to_dense()
    return queries @ passages.T


@contextmanager
def _one_thread_matmuls() -> Iterator[int]:
    """Each matmul on one thread and in full fp32. Yields torch's number of threads, which is restored afterwards."""
    precision = torch.get_float32_matmul_precision()
    torch.set_float32_matmul_precision("highest")
    try:
        with one_thread() as threads:
            yield threads
    finally:
        torch.set_float32_matmul_precision(precision)
