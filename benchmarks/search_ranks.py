"""Is exact search over 2 and 4 processes equal to the bit to one, also after one was killed in the middle?

    python benchmarks/search_ranks.py            # about 2 minutes on two cores; target: yes everywhere

The processes share the search over gloo. In the second round the last one kills itself (SIGKILL) when it has read half
of its passages; the others must stop, too, and the search is run again from the start: it keeps nothing between runs.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import signal
import subprocess
import sys
import tempfile
import time

import numpy as np
import torch.distributed as dist

from hybridret.base.progress import Quiet
from hybridret.base.records import FloatArray
from hybridret.distributed.process_group import GlooGroup, SingleProcess
from hybridret.retrieval.indexes.exact import Exact
from hybridret.retrieval.search_request import SearchRequest
from hybridret.retrieval.vectors import ArrayVectors


class Fatal(ArrayVectors):
    """Kills the process at the read number `reads`."""

    def __init__(self, array: FloatArray, reads: int) -> None:
        super().__init__(array)
        self._left = reads

    def rows(self, start: int, stop: int) -> FloatArray:
        self._left -= 1
        if self._left == 0:
            os.kill(os.getpid(), signal.SIGKILL)
        return super().rows(start, stop)


def child(rank: int, world: int, folder: str, kill: int, options: argparse.Namespace) -> None:
    """One rank: search and print a hash of all passages and score bits."""
    if world > 1:
        dist.init_process_group("gloo", init_method=f"file://{folder}/store", rank=rank, world_size=world)
    ranks = GlooGroup() if world > 1 else SingleProcess()
    rng = np.random.default_rng(0)
    queries = rng.standard_normal((options.queries, options.dimension), dtype=np.float32)
    passages = rng.standard_normal((options.passages, options.dimension), dtype=np.float32)
    passages[::10] = passages[0]  # a tenth of all scores are equal
    ties = rng.permutation(options.passages)
    reads = -(-options.passages // 1024) // world // 2
    source = Fatal(passages, reads) if kill else ArrayVectors(passages)
    hits = Exact().search(SearchRequest(queries, source, 0, len(source), ties, options.k), ranks, Quiet())
    print(hashlib.sha256(hits.passages.tobytes() + hits.scores.tobytes()).hexdigest())
    ranks.barrier()
    if world > 1:
        dist.destroy_process_group()


def start(world: int, kill: bool, arguments: list[str]) -> tuple[list[str], list[int], float]:
    """Hashes and exit codes of all ranks, and seconds."""
    began = time.perf_counter()
    with tempfile.TemporaryDirectory() as folder:
        processes = []
        for rank in range(world):
            role = [str(rank), str(world), folder, str(int(kill and rank == world - 1))]
            processes.append(
                subprocess.Popen(
                    [sys.executable, __file__, *arguments, "--child", *role],
                    stdout=subprocess.PIPE,
                    stderr=subprocess.DEVNULL if kill else None,
                    text=True,
                    env={**os.environ, "OMP_NUM_THREADS": "1"},
                )
            )
        hashes = [process.communicate()[0].strip() for process in processes]
    return hashes, [process.returncode for process in processes], time.perf_counter() - began


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--queries", type=int, default=200)
    parser.add_argument("--passages", type=int, default=200_000)
    parser.add_argument("--dimension", type=int, default=384)
    parser.add_argument("--k", type=int, default=1000)
    parser.add_argument("--worlds", type=int, nargs="+", default=[2, 4])
    parser.add_argument("--child", nargs=4, default=None, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.child:
        rank, world, folder, kill = options.child
        child(int(rank), int(world), folder, int(kill), options)
        return
    arguments = [f"--{name}={getattr(options, name)}" for name in ("queries", "passages", "dimension", "k")]
    (alone,), codes, seconds = start(1, False, arguments)
    assert codes == [0]
    print(f"{options.queries} queries, {options.passages} x {options.dimension}, k = {options.k}", flush=True)
    print(f"1 process: {seconds:.1f} s, {alone[:16]}", flush=True)
    for world in options.worlds:
        hashes, codes, seconds = start(world, False, arguments)
        equal = codes == [0] * world and set(hashes) == {alone}
        print(f"{world} processes: {seconds:.1f} s, equal to one to the bit: {'yes' if equal else 'NO'}", flush=True)
        hashes, codes, seconds = start(world, True, arguments)
        stopped = codes[-1] == -signal.SIGKILL and all(code != 0 for code in codes[:-1]) and not any(hashes)
        print(
            f"{world} processes, one killed: all stop without a result: {'yes' if stopped else 'NO'} ({seconds:.1f} s)"
        )
        hashes, codes, seconds = start(world, False, arguments)
        equal = codes == [0] * world and set(hashes) == {alone}
        print(f"{world} processes, run again: equal to one to the bit: {'yes' if equal else 'NO'}", flush=True)


if __name__ == "__main__":
    main()
