"""Batches by length: pieces of about the same length together, so that little is padding."""

from __future__ import annotations

from collections.abc import Sequence


def batches_by_length(lengths: Sequence[int], tokens: int) -> list[list[int]]:
    """Indices into `lengths`, longest first, in batches of at most `tokens` tokens, padding included.

    A piece that is longer than `tokens` is a batch of its own. The batches depend on nothing but the arguments.

    >>> batches_by_length([3, 9, 4, 1, 4], 12)
    [[1], [2, 4, 0], [3]]
    """
    batches: list[list[int]] = []
    widest = 0
    for index in sorted(range(len(lengths)), key=lambda index: (-lengths[index], index)):
        if not batches or (len(batches[-1]) + 1) * widest > tokens:
            batches.append([])
            widest = lengths[index]
        batches[-1].append(index)
    return batches
