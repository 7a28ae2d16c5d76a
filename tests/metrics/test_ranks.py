from __future__ import annotations

import numpy as np
import pytest

from hybridret.metrics.hits import NOT_FOUND
from hybridret.metrics.ranks import (
    NO_HIT,
    RankedRelevant,
    full_ranks,
    order_by_rank,
    ranks_by_counting,
    sort_keys,
    tie_positions,
)


@pytest.mark.parametrize("distinct", [1, 2, 7, 10_000])
def test_sorting_equals_counting(distinct: int) -> None:
    rng = np.random.default_rng(distinct)
    scores = ((rng.integers(0, distinct, (9, 60)) - distinct / 2) / 3).astype(np.float32)
    tie_order = rng.permutation(60)
    rows = np.sort(rng.integers(0, 9, 80))
    columns = rng.integers(0, 60, 80)
    fast = full_ranks(scores, rows, columns, tie_order)
    assert fast.tolist() == ranks_by_counting(scores, rows, columns, tie_order).tolist()
    assert fast.min() >= 1
    assert fast.max() <= 60


def test_a_subset_of_passages_keeps_its_tie_order() -> None:
    rng = np.random.default_rng(0)
    scores = rng.integers(0, 3, (4, 30)).astype(np.float32)
    tie_order = rng.permutation(30)
    chosen = np.array([2, 5, 11, 12, 29])
    rows, columns = np.repeat(np.arange(4), 5), np.tile(np.arange(5), 4)
    got = full_ranks(scores[:, chosen], rows, columns, tie_order[chosen]).reshape(4, 5)
    assert got.tolist() == ranks_by_counting(scores[:, chosen], rows, columns, tie_order[chosen]).reshape(4, 5).tolist()
    assert np.sort(got, axis=1).tolist() == [[1, 2, 3, 4, 5]] * 4


def test_minus_zero_ties_with_zero_and_keys_are_exact_at_the_edges_of_fp32() -> None:
    tiny, huge = np.float32(1e-45), np.finfo(np.float32).max
    scores = np.array(
        [[0.0, -0.0, tiny, -tiny, huge, -huge, 1.0, np.nextafter(np.float32(1), np.float32(2))]], np.float32
    )
    keys = sort_keys(scores, np.array([1, 0, 2, 3, 4, 5, 6, 7]))
    assert tie_positions(np.sort(keys, axis=1))[0].tolist() == [4, 7, 6, 2, 0, 1, 3, 5]


def test_scores_are_compared_as_fp32() -> None:
    scores = np.array([[0.5, 0.5 + 1e-9]])
    assert full_ranks(scores, np.array([0, 0]), np.array([0, 1]), np.array([0, 1])).tolist() == [1, 2]


def test_no_judgments() -> None:
    none = np.zeros(0, dtype=np.int64)
    assert full_ranks(np.ones((2, 3), np.float32), none, none, np.arange(3)).shape == (0,)
    assert len(RankedRelevant.gather(none, none, none)) == 0


@pytest.mark.parametrize("largest", [5, 1000, 1 << 40, 1 << 61])  # the last ones do not fit into one integer
@pytest.mark.parametrize("ascending", [True, False])
def test_order_by_rank_against_lexsort(largest: int, ascending: bool) -> None:
    """With equal ranks, and with passages that were not found, which come last in the order that they were given in."""
    random = np.random.default_rng(0)
    for count in (0, 1, 2, 50, 3000):
        labels = random.integers(0, max(count // 7, 1), count) * 3
        labels = np.sort(labels) if ascending else labels
        ranks = random.integers(1, largest, count)
        ranks[random.random(count) < 0.2] = NOT_FOUND
        np.testing.assert_array_equal(order_by_rank(labels, ranks), np.lexsort((ranks, labels)))


def test_gather_sorts_inside_each_query() -> None:
    relevant = RankedRelevant.gather(np.array([7, 3, 7, 3, 7]), np.array([9, 2, 1, 5, 4]), np.array([1, 2, 3, 4, 5]))
    assert relevant.labels.tolist() == [3, 7]
    assert relevant.ranks.tolist() == [2, 5, 1, 4, 9]
    assert relevant.grades.tolist() == [2, 4, 3, 5, 1]
    assert relevant.counts.tolist() == [2, 3]
    assert relevant.ordinals.tolist() == [1, 2, 1, 2, 3]


def test_a_score_of_minus_infinity_is_no_hit() -> None:
    rng = np.random.default_rng(4)
    scores = rng.choice(np.array([-np.inf, -3e38, 0, 2], np.float32), (6, 20))
    rows, columns = np.repeat(np.arange(6), 20), np.tile(np.arange(20), 6)
    tie_order = rng.permutation(20)
    got = full_ranks(scores, rows, columns, tie_order)
    assert ((got == NOT_FOUND) == (scores == -np.inf).ravel()).all()
    assert got.tolist() == ranks_by_counting(scores, rows, columns, tie_order).tolist()
    assert ((sort_keys(scores, tie_order) >= NO_HIT) == (scores == -np.inf)).all()
