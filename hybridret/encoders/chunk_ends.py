"""Where a batch that is sorted by length is cut into chunks, each of which is padded to its longest row."""

from __future__ import annotations

from hybridret.base.records import IntArray


def chunk_ends(lengths: IntArray, chunk_size: int | None, chunk_tokens: int | None) -> list[int]:
    """The row behind the last one of each chunk, ascending; `lengths` [n] in tokens, ascending.

    A chunk has at most `chunk_size` rows, and at most `chunk_tokens` positions: its rows times the length of its
    longest one, padding included. None: no such limit. A row that is longer than `chunk_tokens` is a chunk of its own.
    With `chunk_size` alone chunks are filled from the shortest row on; with `chunk_tokens` from the longest one on,
    whose length is that of its chunk, so that only the chunk of the shortest rows has room left.

    Raises ValueError for a limit below 1.
    """
    for name, limit in (("chunk_size", chunk_size), ("chunk_tokens", chunk_tokens)):
        if limit is not None and limit < 1:
            raise ValueError(f"{name} {limit} is not positive")
    count = len(lengths)
    if chunk_tokens is None:
        size = chunk_size or max(count, 1)
        return [min(first + size, count) for first in range(0, count, size)]
    ends, last = [], count
    while last:
        ends.append(last)
        rows = max(chunk_tokens // max(int(lengths[last - 1]), 1), 1)
        last -= min(rows, chunk_size or rows, last)
    return ends[::-1]
