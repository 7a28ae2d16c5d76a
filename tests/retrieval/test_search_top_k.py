from __future__ import annotations

import numpy as np
import pytest

from hybridret.retrieval.exact_search import search_top_k


@pytest.mark.parametrize("distinct", [1, 3, 1000])
@pytest.mark.parametrize("k", [1, 5, 49, 50, 80])
def test_equal_to_a_full_sort(distinct: int, k: int) -> None:
    rng = np.random.default_rng(distinct)
    scores = rng.integers(-distinct, distinct, (6, 50)).astype(np.float32)
    tie_order = rng.permutation(200)[:50]  # a part of a longer order
    columns, values = search_top_k(scores, k, tie_order)
    assert columns.shape == values.shape == (6, min(k, 50))
    for row in range(6):
        slow = sorted(range(50), key=lambda column: (-scores[row, column], tie_order[column]))[:k]
        assert columns[row].tolist() == slow
        assert values[row].tolist() == [scores[row, column] for column in slow]
