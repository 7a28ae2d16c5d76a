from __future__ import annotations

import numpy as np
import pytest
import torch

from hybridret.metrics.ranks import sort_keys
from hybridret.retrieval.topk import WORST, TopK, dense_ties, key_scores, merge_keys, survivors

FLOATS = [0.0, 1.5, -1.5, 1e-40, -1e-40, 3.4e38, -3.4e38, 0.1]


def test_scores_come_back_from_keys_to_the_bit() -> None:
    scores = np.array(FLOATS, dtype=np.float32)
    keys = sort_keys(scores, np.arange(len(scores)))
    assert key_scores(keys).tobytes() == scores.tobytes()
    assert (keys < WORST).all()


@pytest.mark.parametrize("width", [1, 8, 13, 16])
def test_survivors_are_what_is_not_below(width: int) -> None:
    rng = np.random.default_rng(width)
    scores = rng.integers(-3, 4, (5, 16)).astype(np.float32)
    scores[2, 0] = np.nan
    thresholds = np.array([[-np.inf], [0], [3], [9], [-2]], dtype=np.float32)
    flat, values = survivors(torch.from_numpy(scores), thresholds, width, np.empty((5, 16), dtype=bool))
    slow = [(r, c) for r in range(5) for c in range(width) if not scores[r, c] < thresholds[r, 0]]
    assert flat.tolist() == [r * 16 + c for r, c in slow]
    np.testing.assert_array_equal(values, [scores[r, c] for r, c in slow])
    assert (2, 0) in slow


def test_survivors_on_another_device(monkeypatch: pytest.MonkeyPatch) -> None:
    """The way that a GPU takes, run here: the same answer."""

    class Elsewhere(torch.Tensor):
        @property
        def device(self) -> torch.device:
            return torch.device("meta") if not Elsewhere.here else torch.device("cpu")

        here = False

    scores = torch.randn(6, 24)
    thresholds = np.linspace(-1, 2, 6, dtype=np.float32)[:, None]
    expected = survivors(scores, thresholds, 19, np.empty((6, 24), dtype=bool))
    moved = scores.as_subclass(Elsewhere)
    monkeypatch.setattr(torch.Tensor, "to", lambda self, *args: self)
    flat, values = survivors(moved, thresholds, 19, np.empty((6, 24), dtype=bool))
    assert flat.tolist() == expected[0].tolist()
    assert values.tolist() == expected[1].tolist()


def test_memory_does_not_grow_with_what_is_added() -> None:
    best = TopK(2, 3, 8)
    size = best._keys.nbytes
    for _ in range(50):
        best.add(np.arange(16), np.zeros(16, dtype=np.float32), 8, np.arange(8))
    assert best._keys.nbytes == size


def test_thresholds_are_the_kth_best_so_far() -> None:
    best = TopK(1, 2, 8)
    assert best.thresholds[0, 0] == -np.inf
    best.add(np.arange(8), np.arange(8, dtype=np.float32), 8, np.arange(8))
    assert best.thresholds[0, 0] == 6
    assert key_scores(best.best()).tolist() == [[7, 6]]


def test_merge() -> None:
    parts = [np.array([[5, 1, WORST]]), np.array([[3, 2, 9]])]
    assert merge_keys(parts, 3).tolist() == [[1, 2, 3]]
    assert merge_keys(parts, 6).tolist() == [[1, 2, 3, 5, 9, WORST]]


@pytest.mark.parametrize("order", [[2, 0, 1], [20, 3, 7], [-5, 4, 0], []])
def test_dense_ties(order: list[int]) -> None:
    dense, columns = dense_ties(np.array(order, dtype=np.int64))
    assert dense.tolist() == [sorted(order).index(value) for value in order]
    assert columns.tolist() == [order.index(value) for value in sorted(order)]
