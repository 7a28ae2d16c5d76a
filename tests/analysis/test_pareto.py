"""The Pareto front against its slow twin: compare every point with every other."""

from __future__ import annotations

import numpy as np
import pytest

from hybridret.analysis.pareto import pareto_front


def slow_front(points: np.ndarray, maximise: tuple[bool, bool]) -> np.ndarray:
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


@pytest.mark.parametrize("maximise", [(True, True), (True, False), (False, False)])
@pytest.mark.parametrize("seed", range(20))
def test_equals_the_slow_way_with_many_ties(seed: int, maximise: tuple[bool, bool]) -> None:
    points = np.random.default_rng(seed).integers(0, 6, (40, 2)).astype(float)
    found = pareto_front(points, maximise)
    assert 0 < found.sum() < len(points)
    np.testing.assert_array_equal(found, slow_front(points, maximise))


def test_no_points_and_wrong_shapes() -> None:
    assert pareto_front(np.empty((0, 2))).shape == (0,)
    with pytest.raises(ValueError, match=r"\[n, 2\]"):
        pareto_front(np.zeros((3, 3)))
