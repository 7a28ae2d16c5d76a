"""Passage vectors in memory, and single rows of any source."""

from __future__ import annotations

import numpy as np

from hybridret.base.records import FloatArray, IntArray
from hybridret.retrieval.vector_source import VectorSource


class ArrayVectors:
    """A `VectorSource` over an array [P, D]; `rows` returns views if the array is fp32."""

    def __init__(self, array: FloatArray) -> None:
        if array.ndim != 2:
            raise ValueError(f"vectors must be [P, D], not of shape {array.shape}")
        self._array = array

    def __len__(self) -> int:
        return len(self._array)

    @property
    def dimension(self) -> int:
        return int(self._array.shape[1])

    def rows(self, start: int, stop: int) -> FloatArray:
        """Vectors `start` to `stop` - 1 as fp32. Raises IndexError outside 0 to P."""
        check_rows(start, stop, len(self))
        return self._array[start:stop].astype(np.float32, copy=False)


def check_rows(start: int, stop: int, count: int) -> None:
    """Raise IndexError if `start` to `stop` - 1 are not rows of `count`: numpy would return fewer or other rows."""
    if not 0 <= start <= stop <= count:
        raise IndexError(f"rows {start} to {stop} of {count}")


def chosen_rows(source: VectorSource, indices: IntArray) -> FloatArray:
    """Vectors [n, D] of any `indices` [n], in their order; each vector is read once, neighbours in one read."""
    wanted, positions = np.unique(indices, return_inverse=True)
    found = np.empty((len(wanted), source.dimension), dtype=np.float32)
    ends = np.append(np.flatnonzero(np.diff(wanted) != 1) + 1, len(wanted))
    begin = 0
    for end in ends[ends > 0].tolist():
        found[begin:end] = source.rows(int(wanted[begin]), int(wanted[end - 1]) + 1)
        begin = end
    return found[positions]
