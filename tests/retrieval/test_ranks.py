from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable

import numpy as np
import pytest

from hybridret.base.errors import UserError
from hybridret.distributed.process_group import GlooGroup, SingleProcess

pytestmark = pytest.mark.slow

PROGRAM = """
import os
import numpy as np
from hybridret.base.errors import UserError
from hybridret.distributed.process_group import GlooGroup

ranks = GlooGroup.from_environment()
assert ranks.world == 2, ranks
for found, shapes, kind in (
    (ranks.gather(np.full((ranks.rank, 3), 7, np.float32)), [(0, 3), (1, 3)], np.float32),
    (ranks.gather(np.arange(5 - ranks.rank)[::-1]), [(5,), (4,)], np.int64),
    (ranks.gather(np.empty((0, 2, 2), np.int64)), [(0, 2, 2)] * 2, np.int64),
):
    assert [part.shape for part in found] == shapes, found
    assert {part.dtype for part in found} == {np.dtype(kind)}
assert [part.tolist() for part in ranks.gather(np.arange(2 + ranks.rank)[::-1])] == [[1, 0], [2, 1, 0]]
ranks.barrier()
for wrong in (np.zeros((1, 2 + ranks.rank), np.float32), np.zeros(1, (np.float32, np.int64)[ranks.rank])):
    try:
        ranks.gather(wrong)
    except ValueError as error:
        assert "do not fit together" in str(error) and not isinstance(error, UserError)
    else:
        raise AssertionError("gathered")
if ranks.rank == 1:
    os._exit(0)
try:
    ranks.barrier()
except UserError as error:
    assert "Another one of the 2 processes of this evaluation ended" in str(error)
else:
    raise AssertionError("a barrier without the other rank")
"""


def test_two_processes_gather_wait_and_notice_the_end_of_the_other(
    free_port: str, started: Callable[..., subprocess.Popen[str]]
) -> None:
    places = {"WORLD_SIZE": "2", "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": free_port, "OMP_NUM_THREADS": "1"}
    both = [
        started(
            [sys.executable, "-c", PROGRAM],
            env={**os.environ, **places, "RANK": str(rank)},
            stderr=subprocess.PIPE,
            text=True,
        )
        for rank in range(2)
    ]
    for process in both:
        _, errors = process.communicate(timeout=120)
        assert process.returncode == 0, errors


def test_alone() -> None:
    ranks = SingleProcess()
    array = np.arange(3)
    (found,) = ranks.gather(array)
    assert (found == array).all()
    assert (ranks.rank, ranks.world, ranks.barrier()) == (0, 1, None)


@pytest.mark.parametrize("size", [None, "1"])
def test_a_world_of_one_needs_no_group(size: str | None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("WORLD_SIZE", raising=False)
    if size is not None:
        monkeypatch.setenv("WORLD_SIZE", size)
    assert isinstance(GlooGroup.from_environment(), SingleProcess)


def test_an_environment_that_is_not_torchruns(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("RANK", "MASTER_ADDR", "MASTER_PORT"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("WORLD_SIZE", "2")
    with pytest.raises(UserError, match="torchrun"):
        GlooGroup.from_environment()
    monkeypatch.setenv("WORLD_SIZE", "two")
    with pytest.raises(UserError, match="WORLD_SIZE=two"):
        GlooGroup.from_environment()
