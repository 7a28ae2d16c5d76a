from __future__ import annotations

import numpy as np
import pytest
from scipy.spatial.distance import jensenshannon

from hybridret.metrics.awrf import awrf


def test_equal_to_scipy() -> None:
    rng = np.random.default_rng(0)
    top, counts = rng.integers(0, 4, (30, 20)), rng.integers(0, 3, (30, 4))
    counts[:, 1] += 1
    expected = []
    for languages, count in zip(top, counts, strict=True):
        exposure = [sum(1 / np.log2(rank + 2) for rank in range(20) if languages[rank] == one) for one in range(4)]
        expected.append(1 - jensenshannon(exposure, count, base=2) ** 2)
    np.testing.assert_allclose(awrf(top, counts), expected, rtol=0, atol=1e-12)


def test_hand_cases() -> None:
    only_first, only_second = np.zeros((1, 20), dtype=np.int64), np.ones((1, 20), dtype=np.int64)
    assert awrf(only_first, np.array([[3, 0]])) == pytest.approx([1.0])
    assert awrf(only_second, np.array([[3, 0]])) == pytest.approx([0.0])
    alternating = np.arange(20)[None, :] % 2
    assert awrf(only_first, np.array([[1, 1]]))[0] < awrf(alternating, np.array([[1, 1]]))[0] < 1.0


def test_a_language_without_relevant_passages_and_exposure_costs_nothing() -> None:
    top = np.array([[0, 1, 1, 0, 0, 1]])
    assert awrf(top, np.array([[2, 2, 0]])) == pytest.approx(awrf(top, np.array([[2, 2]])))
