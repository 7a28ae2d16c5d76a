"""Bands, hypervolume and knee of fronts: closed cases, and loops as slow twins."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest

from hybridret.analysis.pareto import pareto_front
from hybridret.analysis.trade_off.attainment import attainment, best_at
from hybridret.analysis.trade_off.front_probability import front_probability
from hybridret.analysis.trade_off.hypervolume import contributions, hypervolume, reference_and_best
from hybridret.analysis.trade_off.knee import NONE, knee, knee_probability


def slow_volume(values: np.ndarray, reference: np.ndarray) -> float:
    """Cut space into boxes at all coordinates; add those that somebody dominates."""
    goals = values.shape[1]
    edges = [np.unique([reference[j], *values[:, j][values[:, j] > reference[j]]]) for j in range(goals)]
    total = 0.0
    for box in product(*(range(len(own) - 1) for own in edges)):
        upper = np.array([edges[j][i + 1] for j, i in enumerate(box)])
        lower = np.array([edges[j][i] for j, i in enumerate(box)])
        if (values >= upper).all(axis=1).any():
            total += float(np.prod(upper - lower))
    return total


def test_the_share_of_draws_on_the_front() -> None:
    draws = np.random.default_rng(0).random((60, 5, 3))
    by_hand = np.mean([pareto_front(one) for one in draws], axis=0)
    np.testing.assert_array_equal(front_probability(draws), by_hand)
    assert 0 < by_hand.min() < by_hand.max() < 1


def test_known_volumes() -> None:
    stairs = np.array([[3.0, 1.0], [2.0, 2.0], [1.0, 3.0], [0.5, 0.5]])
    assert hypervolume(stairs, np.zeros(2)) == 6
    assert contributions(stairs, np.zeros(2)).tolist() == [1, 1, 1, 0]
    assert hypervolume(stairs, np.array([1.0, 1.0])) == 1
    cubes = np.array([[2.0, 1.0, 1.0], [1.0, 2.0, 1.0], [1.0, 1.0, 2.0]])
    assert hypervolume(cubes, np.zeros(3)) == 4
    assert contributions(cubes, np.zeros(3)).tolist() == [1, 1, 1]
    with pytest.raises(ValueError, match="two or three goals, got 4"):
        hypervolume(np.ones((2, 4)), np.zeros(4))


@pytest.mark.parametrize("goals", [2, 3])
@pytest.mark.parametrize("kind", ["real", "ties"])
def test_volumes_are_those_of_boxes(goals: int, kind: str) -> None:
    random = np.random.default_rng(goals)
    draws = random.random((20, 7, goals)) if kind == "real" else random.integers(0, 4, (20, 7, goals)).astype(float)
    reference = np.full(goals, 0.2)
    slow = [slow_volume(one, reference) for one in draws]
    np.testing.assert_allclose(hypervolume(draws, reference), slow, atol=1e-12)
    parts = contributions(draws, reference)
    for i, j in np.ndindex(20, 7):
        without = slow_volume(np.delete(draws[i], j, axis=0), reference)
        assert parts[i, j] == pytest.approx(slow[i] - without, abs=1e-12)


def test_the_reference_is_a_tenth_below_the_worst() -> None:
    reference, best = reference_and_best(np.array([[0.0, 5.0], [1.0, 3.0], [0.5, 4.0]]))
    np.testing.assert_allclose(reference, [-0.1, 2.8])
    assert best.tolist() == [1, 5]


def test_bands_are_quantiles_of_the_best_second_goal() -> None:
    draws, levels = np.random.default_rng(0).random((40, 4, 2)), np.linspace(0, 1.1, 7)
    found = best_at(draws, levels)
    for i, j in np.ndindex(40, 7):
        reached = [second for first, second in draws[i] if first >= levels[j]]
        assert found[i, j] == (max(reached) if reached else -np.inf)
    assert best_at(np.array([[[0.5, 2.0]]]), np.array([0.5, 0.6])).tolist() == [[2.0, -np.inf]]  # reached, not passed
    low, middle, high = attainment(draws, levels)
    assert np.isnan([low[-1], middle[-1], high[-1]]).all()  # nothing reaches 1.1
    assert (low[:3] <= middle[:3]).all()
    assert middle[0] == np.sort(found[:, 0])[19]
    assert (np.diff(high[:-1]) <= 0).all()


def test_a_known_knee() -> None:
    front = np.array([[0.0, 1.0], [0.8, 0.9], [0.5, 0.95], [1.0, 0.0], [0.1, 0.1]])
    at, distance = knee(front)
    assert at == 1
    assert distance == pytest.approx((0.8 + 0.9 - 1) / np.sqrt(2))
    scaled = front * [30.0, 0.01] + [5.0, 2.0]
    assert knee(scaled)[0] == 1
    assert knee(scaled)[1] == pytest.approx(distance)


@pytest.mark.parametrize(
    "front",
    [
        [[0.0, 1.0], [0.5, 0.5], [1.0, 0.0]],  # straight
        [[0.0, 1.0], [0.2, 0.2], [1.0, 0.0]],  # hollow
        [[0.0, 1.0], [1.0, 0.0]],
        [[1.0, 1.0], [0.5, 0.5]],  # one is best in both
        [[np.nan, 1.0], [1.0, np.nan]],
    ],
)
def test_no_knee(front: list[list[float]]) -> None:
    assert knee(np.array(front)) == (NONE, 0.0)


def test_knees_of_draws_are_those_one_by_one() -> None:
    front = np.array([[0, 1], [0.6, 0.8], [0.8, 0.6], [1, 0]])
    draws = front + np.random.default_rng(1).normal(0, 0.3, (200, 4, 2))
    at, distance = knee(draws)
    for i, one in enumerate(draws):
        kept = np.flatnonzero(pareto_front(one))
        ends = one[kept][[one[kept, 0].argmin(), one[kept, 0].argmax()]]
        chord = (ends[1] - ends[0]) / np.where((size := np.ptp(one[kept], axis=0)) > 0, size, 1)
        far = {
            j: float(chord[0] * ((one[j] - ends[0]) / size)[1] - chord[1] * ((one[j] - ends[0]) / size)[0]) / np.sqrt(2)
            for j in kept
            if (size > 0).all()
        }
        best = max(far, key=lambda j: far[j]) if far else NONE
        assert at[i] == (best if far and far[best] > 1e-9 else NONE)
        assert distance[i] == pytest.approx(far[best] if at[i] != NONE else 0.0)
    shares = knee_probability(draws)
    assert shares.tolist() == [np.mean(at == j) for j in (0, 1, 2, 3, NONE)]
    assert (shares[[1, 2, 4]] > 0).all()
