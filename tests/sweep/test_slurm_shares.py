"""How `max_parallel` is divided among arrays."""

from __future__ import annotations

import random
from collections.abc import Sequence

from hybridret.sweep.engines.slurm.shares import Share, shares


def most_at_once(sizes: Sequence[int], found: Sequence[Share], draw: random.Random) -> int:
    """The largest number of tasks that run together, if each ends at a random moment: slowly, one by one."""
    left, running, largest = list(sizes), [0] * len(sizes), 0
    while any(left) or any(running):
        for number, share in enumerate(found):
            free = share.after is None or left[share.after] + running[share.after] == 0
            while free and left[number] and (share.limit is None or running[number] < share.limit):
                left[number] -= 1
                running[number] += 1
        largest = max(largest, sum(running))
        ending = draw.choice([number for number, count in enumerate(running) if count])
        running[ending] -= 1
    return largest


def test_never_more_than_asked_run_and_all_run_at_last() -> None:
    draw = random.Random(1)
    for _ in range(300):
        sizes = [draw.randint(1, 12) for _ in range(draw.randint(1, 8))]
        most = draw.randint(1, 10)
        found = shares(sizes, most)
        assert most_at_once(sizes, found, draw) <= most
        assert sum(share.limit or 0 for share in found if share.after is None) == most


def test_arrays_divide_by_their_tasks() -> None:
    assert shares([30, 10], 4) == [Share(3), Share(1)]
    assert shares([20, 20], 4) == [Share(2), Share(2)]
    assert shares([5], 4) == [Share(4)]
    assert shares([2, 9, 3], None) == [Share()] * 3
    assert shares([], 3) == []


def test_more_arrays_than_may_run_wait_for_one_another() -> None:
    assert shares([4, 4, 4], 1) == [Share(1), Share(1, 0), Share(1, 1)]
    assert shares([9, 2, 3], 2) == [Share(1), Share(1), Share(1, 1)]
