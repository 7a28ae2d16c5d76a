"""The Pareto front against its slow twin: compare every point with every other."""

from __future__ import annotations

import numpy as np
import pytest

from hybridret.analysis import pareto
from hybridret.analysis.pareto import pareto_front


def slow_front(points: np.ndarray, maximise: tuple[bool, ...]) -> np.ndarray:
    goals = points * np.where(maximise, 1, -1)
    found = []
    for one in goals:
        beaten = any((other >= one).all() and (other > one).any() for other in goals)
        found.append(not beaten and not np.isnan(one).any())
    return np.array(found)


def test_a_hand_case() -> None:
    points = np.array([[0.9, 0.1], [0.5, 0.5], [0.4, 0.6], [0.4, 0.4], [0.9, 0.05], [np.nan, 1.0]])
    assert pareto_front(points).tolist() == [True, True, True, False, False, False]


def test_equal_points_are_on_the_front_together() -> None:
    assert pareto_front(np.array([[1.0, 1.0], [1.0, 1.0], [1.0, 0.0]])).tolist() == [True, True, False]


@pytest.mark.parametrize("goals", [1, 2, 3, 4])
@pytest.mark.parametrize("seed", range(20))
def test_equals_the_slow_way_with_many_ties(seed: int, goals: int) -> None:
    random = np.random.default_rng([seed, goals])
    points = random.integers(0, 6, (40, goals)).astype(float)
    points[random.random(points.shape) < 0.03] = np.nan
    maximise = tuple(map(bool, random.integers(0, 2, goals)))
    found = pareto_front(points, maximise)
    assert 0 < found.sum() < len(points)
    np.testing.assert_array_equal(found, slow_front(points, maximise))


@pytest.mark.parametrize("goals", [2, 3])
def test_many_fronts_at_once_are_those_one_by_one(goals: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pareto, "_COMPARISONS", 500)  # several parts
    points = np.random.default_rng(goals).integers(0, 5, (6, 5, 12, goals)).astype(float)
    points[0, 0] = np.nan
    found = pareto_front(points)
    for i in np.ndindex(6, 5):
        np.testing.assert_array_equal(found[i], slow_front(points[i], (True,) * goals))


def test_no_points_and_wrong_shapes() -> None:
    assert pareto_front(np.empty((0, 2))).shape == (0,)
    for wrong, directions in ((np.zeros(3), None), (np.zeros((3, 3)), (True, True)), (np.zeros((3, 0)), None)):
        with pytest.raises(ValueError, match=r"\[..., n, goals\]"):
            pareto_front(wrong, directions)
