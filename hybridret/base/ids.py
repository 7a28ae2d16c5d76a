"""Ids in order, and ids that occur twice, for corpora whose ids are too many for a Python sort.

Each id is read once, in slices, so sequences that read from disk can be used as well as lists
(docs/pitfalls.md#slow-ids).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

SLICE = 1 << 17  # ids read at a time


def slices(ids: Sequence[str]) -> Iterator[Sequence[str]]:
    """The ids in their order, `SLICE` at a time."""
    for start in range(0, len(ids), SLICE):
        yield ids[start : start + SLICE]


def descending_order(ids: Sequence[str]) -> NDArray[np.int64]:
    """[P]: the position of each id when ids are sorted DESCENDING by code point; equal ids keep their order.

    Arrow compares UTF-8 bytes, whose order is that of code points.
    """
    import pyarrow as pa
    import pyarrow.compute

    chunks = [pa.array(_encoded(part), pa.binary()) for part in slices(ids)]
    order = pa.compute.sort_indices(pa.chunked_array(chunks, pa.binary()), sort_keys=[("", "descending")]).to_numpy()
    del chunks
    position = np.empty(len(ids), dtype=np.int64)
    for start in range(0, len(ids), SLICE):
        part = order[start : start + SLICE]
        position[part] = np.arange(start, start + len(part))
    return position


def hashes(ids: Sequence[str]) -> NDArray[np.int64]:
    """[P]: a hash of each id in 8 bytes; within one process, equal ids have equal hashes."""
    return np.fromiter((hash(identifier) for part in slices(ids) for identifier in part), np.int64, len(ids))


def first_repeated(ids: Sequence[str], hashed: NDArray[np.int64] | None = None) -> tuple[int, int] | None:
    """The positions of two equal ids, the first that occurs again and its next occurrence; None where all differ.

    `hashed`: their `hashes`, if already computed. Ids with equal hashes are compared as strings.
    """
    hashed = hashes(ids) if hashed is None else hashed
    ordered = np.sort(hashed)
    twice = ordered[1:][ordered[1:] == ordered[:-1]]
    candidates = np.flatnonzero(np.isin(hashed, twice)) if len(twice) else twice
    for first in candidates.tolist():
        alike = candidates[hashed[candidates] == hashed[first]]
        for other in alike[alike > first].tolist():
            if ids[first] == ids[other]:
                return first, other
    return None


def _encoded(ids: Sequence[str]) -> list[bytes]:
    return [identifier.encode("utf-8", "surrogatepass") for identifier in ids]
