from __future__ import annotations

import numpy as np
import pytest

from hybridret.retrieval.vectors import ArrayVectors, chosen_rows


def test_rows_of_an_array() -> None:
    array = np.arange(12, dtype=np.float32).reshape(6, 2)
    source = ArrayVectors(array)
    assert (len(source), source.dimension) == (6, 2)
    assert np.shares_memory(source.rows(1, 4), array)
    assert ArrayVectors(array.astype(np.float16)).rows(0, 6).dtype == np.float32
    with pytest.raises(IndexError, match="rows 4 to 7 of 6"):
        source.rows(4, 7)
    with pytest.raises(ValueError, match=r"\[P, D\]"):
        ArrayVectors(array[0])


@pytest.mark.parametrize("indices", [[], [3], [5, 0, 1, 2, 5, 3], [4, 2, 0], [0, 1, 2, 3, 4, 5]])
def test_chosen_rows_in_their_order_each_read_once(indices: list[int]) -> None:
    array = np.random.default_rng(0).standard_normal((6, 2)).astype(np.float32)
    read: list[int] = []

    class Counting(ArrayVectors):
        def rows(self, start: int, stop: int) -> np.ndarray:
            read.extend(range(start, stop))
            return super().rows(start, stop)

    chosen = np.array(indices, dtype=np.int64)
    np.testing.assert_array_equal(chosen_rows(Counting(array), chosen), array[chosen])
    assert read == sorted(set(indices))
    with pytest.raises(IndexError, match="of 6"):
        chosen_rows(ArrayVectors(array), np.array([1, 6]))
