"""Slices of ranks: together the global batch, for every world size."""

from __future__ import annotations

import numpy as np
import pytest

from hybridret.base.errors import UserError
from hybridret.base.records import ParallelPairs
from hybridret.batching.process_share import check_world_size, rank_slice
from hybridret.batching.strategy import Strategy


@pytest.mark.parametrize("world_size", [1, 2, 4, 8])
def test_any_split_unions_to_the_same_batch(
    strategy: Strategy, datasets: list[ParallelPairs], batch_size: int, world_size: int
):
    schedule = strategy.schedule(datasets, batch_size)
    for step in range(20):
        batch = schedule(1, step)
        lengths = np.random.default_rng(step).integers(4, 40, batch_size)
        order = np.argsort(lengths, kind="stable")
        slices = [rank_slice(order, rank, world_size) for rank in range(world_size)]
        assert {len(one) for one in slices} == {batch_size // world_size}
        union = np.concatenate(slices)
        assert sorted(union.tolist()) == list(range(batch_size))
        assert sorted(batch.questions[union].tolist()) == sorted(batch.questions.tolist())


def test_slices_are_strided():
    assert rank_slice(np.array([5, 3, 1, 0, 2, 4]), 1, 3).tolist() == [3, 2]


def test_batch_that_cannot_be_shared():
    check_world_size(12, 4)
    with pytest.raises(UserError, match=r"10 rows cannot be shared evenly by 4 processes.* like 8 or 12"):
        check_world_size(10, 4)
    with pytest.raises(UserError, match="like 4"):
        rank_slice(np.arange(3), 0, 4)
    with pytest.raises(ValueError, match="rank 4 is not one of 4"):
        rank_slice(np.arange(8), 4, 4)
    with pytest.raises(ValueError, match="at least one rank"):
        check_world_size(8, 0)
