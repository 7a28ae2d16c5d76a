"""Rules for the hits of a search, against loops."""

from __future__ import annotations

import numpy as np
import pytest

from hybridret.mining.candidates import chosen, in_window, mixed, reached, too_close


@pytest.mark.parametrize("seed", range(20))
def test_windows_are_those_of_a_loop(seed: int) -> None:
    random = np.random.default_rng(seed)
    valid = random.random((6, 12)) < 0.6
    first, last = sorted(random.integers(1, 9, 2).tolist())
    window, before = in_window(valid, first, last), reached(valid, last)
    for row in range(6):
        seen = 0
        for column in range(12):
            assert before[row, column] == (seen < last)
            seen += int(valid[row, column])
            assert window[row, column] == (valid[row, column] and first <= seen <= last)


def test_margins_are_counted_from_the_positive() -> None:
    scores, best = np.array([[0.9, 0.5, 0.475, 0.4]], np.float32), np.array([[0.5]], np.float32)
    assert too_close(scores, best, None, None).tolist() == [[False] * 4]
    assert too_close(scores, best, 0.0, None).tolist() == [[True, False, False, False]]
    assert too_close(scores, best, 0.0625, None).tolist() == [[True, True, True, False]]
    assert too_close(scores, best, None, 0.0625).tolist() == [[True, True, True, False]]
    assert too_close(scores, best, 0.0, 0.25).tolist() == [[True, True, True, True]]
    assert too_close(np.array([-0.2], np.float32), np.array([-0.1], np.float32), 0.05, None).tolist() == [False]


@pytest.mark.parametrize("seed", range(20))
@pytest.mark.parametrize("count", [1, 3, 20])
def test_choices_are_those_of_a_loop(seed: int, count: int) -> None:
    random = np.random.default_rng(seed)
    kept, keys = random.random((5, 9)) < 0.5, random.integers(0, 4, (5, 9)).astype(np.uint64)
    for drawn in (None, keys):
        found = chosen(kept, count, drawn)
        for row in range(5):
            columns = np.flatnonzero(kept[row]).tolist()
            if drawn is not None:
                columns = sorted(columns, key=lambda one: (drawn[row, one], one))
            expected = sorted(columns[:count])
            assert found[row].tolist() == expected + [-1] * (count - len(expected))


def test_hashes_differ_and_are_spread() -> None:
    rows = mixed(1, np.arange(100, dtype=np.uint64)[:, None], np.arange(100, dtype=np.uint64))
    assert len(np.unique(rows)) == 10_000
    assert abs((rows >> np.uint64(63)).mean() - 0.5) < 0.03
    assert not np.array_equal(rows, mixed(2, np.arange(100, dtype=np.uint64)[:, None], np.arange(100, dtype=np.uint64)))
    assert mixed(7, 8).tolist() == mixed(7, 8).tolist() != mixed(8, 7).tolist()
