"""Alpha over the steps, against whole fractions and a formula for each shape."""

from __future__ import annotations

from itertools import pairwise
from typing import get_args

import numpy as np
import pytest
from slow_alpha import slow_alpha

from hybridret.batching.alpha_path import AlphaPath, Shape

SHAPES = get_args(Shape)


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("turns", [0, 1, 2, 5])
@pytest.mark.parametrize("steps", [1, 7, 300, 1001])
@pytest.mark.parametrize(("start", "end"), [(0.0, 1.0), (0.9, 0.2)])
def test_every_step_is_that_of_the_formula(shape: Shape, turns: int, steps: int, start: float, end: float) -> None:
    path = AlphaPath(shape, start, end, turns, steps)
    expected = [slow_alpha(path, step) for step in range(steps + 50)]
    assert path.alphas(np.arange(steps + 50)) == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize(
    ("shape", "turns", "expected"),
    [
        ("linear", 0, [0, 0.25, 0.5, 0.75, 1, 1]),
        ("linear", 1, [0, 0.5, 1, 0.5, 0, 0]),
        ("cosine", 0, [0, 0.5 - 2**-1.5, 0.5, 0.5 + 2**-1.5, 1, 1]),
        ("step", 0, [0, 0, 1, 1, 1, 1]),
        ("step", 1, [0, 1, 1, 1, 0, 0]),
    ],
)
def test_quarters_by_hand(shape: Shape, turns: int, expected: list[float]) -> None:
    path = AlphaPath(shape, 0, 1, turns, 400)
    assert path.alphas(np.array([0, 100, 200, 300, 400, 10**9])) == pytest.approx(expected)


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("alpha", [0.1, 0.3, 1 / 3, 0.7])
def test_a_constant_is_exact_and_so_are_the_ends(shape: Shape, alpha: float) -> None:
    assert set(AlphaPath(shape, alpha, alpha, 3, 777).alphas(np.arange(1000))) == {alpha}
    there = AlphaPath(shape, 0.8, alpha, 0, 777).alphas(np.arange(1000))
    assert there[0] == 0.8
    assert set(there[777:]) == {alpha}


@pytest.mark.parametrize("shape", SHAPES)
def test_it_never_goes_back_without_a_turn(shape: Shape) -> None:
    alphas = AlphaPath(shape, 0, 1, 0, 997).alphas(np.arange(1200))
    assert all(one <= other for one, other in pairwise(alphas))
    assert alphas.mean() == pytest.approx((997 / 2 + 203) / 1200, abs=1e-3)
