"""Two real processes over gloo find what one finds, to the bit."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

pytestmark = pytest.mark.slow

PROGRAM = """
import sys
import numpy as np
import torch.distributed as dist
from hybridret.base.progress import Quiet
from hybridret.retrieval.indexes.exact import Exact
from hybridret.distributed.process_group import SingleProcess, GlooGroup
from hybridret.retrieval.vectors import ArrayVectors
from hybridret.retrieval.search_request import SearchRequest

rank, world, folder = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3]
if world > 1:
    dist.init_process_group("gloo", init_method=f"file://{folder}/store", rank=rank, world_size=world)
ranks = GlooGroup() if world > 1 else SingleProcess()
rng = np.random.default_rng(0)
queries, passages = (rng.standard_normal((n, 48)).astype(np.float32) for n in (20, 1500))
passages[::7] = passages[0]
ties = rng.permutation(1400)
request = SearchRequest(queries, ArrayVectors(passages), 100, 1500, ties, 30)
hits = Exact(16, 64).search(request, ranks, Quiet())
np.savez(f"{folder}/{world}-{rank}.npz", passages=hits.passages, scores=hits.scores)
if world > 1:
    ranks.barrier()
    dist.destroy_process_group()
"""


def test_two_processes_give_the_bits_of_one(tmp_path: Path, started: Callable[..., subprocess.Popen[str]]) -> None:
    processes = [
        started(
            [sys.executable, "-c", PROGRAM, str(rank), str(world), str(tmp_path)],
            env={**os.environ, "OMP_NUM_THREADS": str(3 - world)},  # another number of threads, too
            stderr=subprocess.PIPE,
            text=True,
        )
        for rank, world in ((0, 1), (0, 2), (1, 2))
    ]
    for process in processes:
        _, errors = process.communicate(timeout=120)
        assert process.returncode == 0, errors
    alone, *shared = (np.load(tmp_path / name) for name in ("1-0.npz", "2-0.npz", "2-1.npz"))
    assert alone["passages"].shape == (20, 30)
    for hits in shared:
        assert hits["passages"].tobytes() == alone["passages"].tobytes()
        assert hits["scores"].tobytes() == alone["scores"].tobytes()
