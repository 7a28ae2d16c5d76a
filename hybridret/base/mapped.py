"""Pages of mapped files, given back to the system.

What is read from a mapped file, or written into one, stays in the system's cache and counts as memory of the process
until the mapping ends. A pass over a long array gives each part back when it is through with it: then its memory does
not grow with the length. Nothing is lost, and a page that is needed again is mapped again.
"""

from __future__ import annotations

import mmap
from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hybridret.base.records import IntArray

ADVICE = getattr(mmap, "MADV_DONTNEED", None)  # None where the system knows no advice: pages stay


def release(*arrays: Any) -> None:
    """Give back all pages of the mappings that `arrays` look at; arrays in memory are left as they are.

    The mappings must be shared ones, as those of `scratch_array` and of `numpy.load` with `mmap_mode="r"`: what is
    written into a private one would be lost.
    """
    for array in arrays:
        mapping = _mapping(array)
        if mapping is not None and ADVICE is not None:
            mapping.madvise(ADVICE)


def chunks(length: int, size: int, *arrays: Any) -> Iterator[tuple[int, int]]:
    """Start and stop of each part of `size` rows, the last one shorter; the pages of `arrays` are given back behind
    each part.
    """
    for start in range(0, length, size):
        yield start, min(start + size, length)
        release(*arrays)


def taken(array: NDArray[Any], rows: IntArray, size: int) -> NDArray[Any]:
    """[n]: the elements of a mapped array [N] at `rows` [n], which ascend; the pages of `size` elements at most are
    held at a time.
    """
    found = np.empty(len(rows), array.dtype)
    for start, stop in chunks(len(array), size, array):
        first, last = np.searchsorted(rows, (start, stop))
        found[first:last] = array[rows[first:last]]
    return found


def _mapping(array: Any) -> mmap.mmap | None:
    """What lies below an array and all views on it."""
    while array is not None:
        if isinstance(array, mmap.mmap):
            return array
        array = array.obj if isinstance(array, memoryview) else getattr(array, "base", None)
    return None
