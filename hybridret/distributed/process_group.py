"""The processes that share one evaluation, over gloo, which needs no GPU; the messages are small.

A process that dies closes its connections, so the others stop with an error within a second. `WAIT` is for failures
that close no connection: a process that hangs, or a machine that is gone. It is long, because the other processes wait
at the next large pool while the first still ranks a small one.
"""

from __future__ import annotations

import time
from datetime import timedelta
from typing import Any, Protocol

import numpy as np

from hybridret.base.errors import UserError
from hybridret.base.records import FloatArray, IntArray
from hybridret.distributed.world import export_torchrun_variables, process_info

JOIN = timedelta(minutes=10)  # for all processes to start
WAIT = timedelta(hours=24)  # at a gather or a barrier
TYPES = (np.dtype(np.float32), np.dtype(np.int64))
DIMENSIONS = 6  # the most that a gathered array may have
FIRST = 2  # the index of its first dimension in a header


class ProcessGroup(Protocol):
    """The processes that share one evaluation. With a world of 1 nothing is communicated."""

    @property
    def rank(self) -> int: ...

    @property
    def world(self) -> int: ...

    def gather(self, array: FloatArray | IntArray) -> list[FloatArray | IntArray]:
        """The arrays of all processes by rank, on every process; their shapes may differ in the first dimension."""
        ...

    def barrier(self) -> None:
        """Wait until all processes have called this."""
        ...


class SingleProcess:
    """A world of one process: nothing is communicated."""

    rank = 0
    world = 1

    def gather(self, array: FloatArray | IntArray) -> list[FloatArray | IntArray]:
        return [array]

    def barrier(self) -> None:
        return None


class GlooGroup:
    """`ProcessGroup` over torch.distributed; raises UserError where another process is gone.

    It waits in short sleeps, between which signals are handled: a waiting process can be stopped.
    """

    def __init__(self, wait: timedelta = WAIT) -> None:
        """Joins the processes that the environment names (torchrun sets RANK, WORLD_SIZE, MASTER_ADDR, MASTER_PORT)."""
        import torch.distributed as dist

        try:
            if not dist.is_initialized():
                dist.init_process_group("gloo", timeout=JOIN)
            self._group: Any = dist.new_group(backend="gloo", timeout=wait)
        except (RuntimeError, ValueError) as error:  # no port, no such host, a process that never came
            raise UserError(
                f"The processes of this evaluation did not find each other ({' '.join(str(error).split())[:300]}). "
                "Start all of them with torchrun or srun, on machines that reach each other."
            ) from error
        self._dist: Any = dist
        self.rank: int = dist.get_rank()
        self.world: int = dist.get_world_size()

    @classmethod
    def from_environment(cls) -> ProcessGroup:
        """The processes that torchrun or srun started, or this one alone. Raises UserError as `process_info`."""
        export_torchrun_variables()
        return cls() if process_info().world > 1 else SingleProcess()

    def gather(self, array: FloatArray | IntArray) -> list[FloatArray | IntArray]:
        """See `ProcessGroup`. Raises ValueError, on every process, where types or the other dimensions differ."""
        headers = np.array(self._all(_header(array)))
        if (np.delete(headers, FIRST, axis=1) != np.delete(headers[:1], FIRST, axis=1)).any():
            raise ValueError(f"the ranks gather arrays that do not fit together: {headers.tolist()}")
        counts = headers[:, FIRST].tolist()
        padded = np.zeros((max(counts), *array.shape[1:]), dtype=array.dtype)
        padded[: len(array)] = array
        parts = self._all(padded) if padded.size else [padded] * self.world
        return [part[:count] for part, count in zip(parts, counts, strict=True)]

    def barrier(self) -> None:
        self._finish(lambda: self._dist.barrier(group=self._group, async_op=True))

    def _all(self, array: FloatArray | IntArray) -> list[FloatArray | IntArray]:
        """Arrays of one shape and type from all processes."""
        import torch

        own = torch.from_numpy(np.ascontiguousarray(array))
        parts = [torch.empty_like(own) for _ in range(self.world)]
        self._finish(lambda: self._dist.all_gather(parts, own, group=self._group, async_op=True))
        return [part.numpy() for part in parts]

    def _finish(self, begin: Any) -> None:
        pause = 1e-4
        try:
            work = begin()
            while not work.is_completed():
                time.sleep(pause)
                pause = min(2 * pause, 0.05)
            work.wait()
        except RuntimeError as error:
            raise UserError(
                f"Another one of the {self.world} processes of this evaluation ended or hangs, so that process "
                f"{self.rank} cannot go on ({' '.join(str(error).split())[:160]}). Its own message says why. What is "
                "encoded is kept in the cache: run the same command again."
            ) from error


def _header(array: FloatArray | IntArray) -> IntArray:
    """Type, number of dimensions, and the dimensions themselves, then zeros."""
    if array.dtype not in TYPES or not 1 <= array.ndim <= DIMENSIONS:
        raise ValueError(f"only fp32 and int64 arrays are gathered, not {array.dtype} of shape {array.shape}")
    shape = (*array.shape, *[0] * (DIMENSIONS - array.ndim))
    return np.array([TYPES.index(array.dtype), array.ndim, *shape], dtype=np.int64)
