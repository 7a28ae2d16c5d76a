"""`max_parallel` over all arrays of a submission: SLURM's own limit, `--array=0-9%N`, holds for one array."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Share:
    """limit: tasks of this array that may run at once, None for all; after: the number of the array that has to end
    before this one begins, None where it may begin at once."""

    limit: int | None = None
    after: int | None = None


def shares(sizes: Sequence[int], most: int | None) -> list[Share]:
    """What each array gets, so that never more than `most` tasks of all arrays run at once. sizes: tasks by array.

    Arrays that run beside each other divide `most` by their tasks. Where there are more arrays than `most`, some wait
    for one another: an array is put behind those that have the fewest tasks together.
    """
    if most is None or len(sizes) == 0:
        return [Share()] * len(sizes)
    lines: list[list[int]] = [[] for _ in range(min(len(sizes), most))]
    for number in sorted(range(len(sizes)), key=lambda one: -sizes[one]):
        min(lines, key=lambda line: sum(sizes[one] for one in line)).append(number)
    limits = [1] * len(lines)
    for _ in range(most - len(lines)):
        tasks_each = [sum(sizes[one] for one in line) / limit for line, limit in zip(lines, limits, strict=True)]
        limits[tasks_each.index(max(tasks_each))] += 1
    found = [Share()] * len(sizes)
    for line, limit in zip(lines, limits, strict=True):
        waits: int | None = None
        for number in sorted(line):  # they are submitted in this order, and the first must be known to the second
            found[number] = Share(limit, waits)
            waits = number
    return found
