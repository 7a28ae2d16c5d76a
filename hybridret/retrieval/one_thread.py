"""Work on a CPU in pieces of one thread each: the same bits for any number of threads.

Several threads sum a product in another order than a single thread, so its last bits differ. Here each piece is
computed by one thread, and threads take whole pieces in turn. They also wait for each other less often than with
threads inside each operation, above all if other processes use the same cores.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import TypeVar

import torch

Piece = TypeVar("Piece")
Made = TypeVar("Made")


@contextmanager
def one_thread() -> Iterator[int]:
    """Each operation of torch on one thread. Yields torch's number of threads, which is restored afterwards."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield threads
    finally:
        torch.set_num_threads(threads)


def mapped(work: Callable[[Piece], Made], pieces: Sequence[Piece], most: int | None = None) -> Iterator[Made]:
    """`work(piece)` of each piece in order, several at a time: as many as torch has threads, at most `most`.

    `work` runs with the inference mode and the CPU autocast of the caller. If it raises, or the caller stops reading,
    pieces that have not begun are left out.
    """
    inference = torch.is_inference_mode_enabled()
    enabled, dtype = torch.is_autocast_enabled("cpu"), torch.get_autocast_dtype("cpu")

    def prepared() -> None:
        # Never exited, because the thread ends with the pool; so weights are cast only once in each thread.
        torch.autocast("cpu", dtype=dtype, enabled=enabled).__enter__()  # type: ignore[no-untyped-call]

    def made(piece: Piece) -> Made:
        with torch.inference_mode(inference):
            return work(piece)

    with one_thread() as threads:
        workers = min(threads, len(pieces), most or threads)
        if workers <= 1:
            yield from map(work, pieces)
            return
        pool = ThreadPoolExecutor(workers, "encode", initializer=prepared)
        try:
            yield from pool.map(made, pieces)
        finally:
            pool.shutdown(cancel_futures=True)
