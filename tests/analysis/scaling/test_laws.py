"""Laws and their fits: series without noise give the law back, thousands of refits equal scipy's one by one."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.optimize import least_squares

from hybridret.analysis.scaling.fitting import fit, refit
from hybridret.analysis.scaling.laws import CONSTANT, JOINT, OFFSET, POWER, Law
from hybridret.analysis.scaling.scales import log_odds_against, metric_of

# MS MARCO in arXiv 2403.18684: contrastive entropy against body parameters, .5M to 82M.
PAPER = {"A": 3.2e4, "a": 0.53, "d": 0.04}
SIZES = np.array([[5e5], [2e6], [8e6], [3.2e7], [8.2e7]])
GRID = np.array([(n, d) for n in (5e5, 4e6, 3e7) for d in (1e5, 6e5, 4e6)])
JOINT_TRUTH = {"A": 2e4, "a": 0.5, "B": 3e4, "b": 0.8, "d": 0.05}


def paper_loss(sizes: np.ndarray) -> np.ndarray:
    return (PAPER["A"] / sizes[:, 0]) ** PAPER["a"] + PAPER["d"]


def joint_loss(grid: np.ndarray) -> np.ndarray:
    a, b = JOINT_TRUTH["a"], JOINT_TRUTH["b"]
    return ((JOINT_TRUTH["A"] / grid[:, 0]) ** (a / b) + JOINT_TRUTH["B"] / grid[:, 1]) ** b + JOINT_TRUTH["d"]


def test_the_numbers_of_the_paper_come_back() -> None:
    found = fit(OFFSET, SIZES, np.log(paper_loss(SIZES)))
    assert found.parameters == pytest.approx(PAPER, rel=1e-4)
    assert found.converged
    assert not found.at_bound
    assert found.r2 == pytest.approx(1.0)
    # 300M parameters, by hand: (3.2e4 / 3e8)^.53 + .04
    assert np.exp(found.log_loss(np.array([[3e8]])))[0] == pytest.approx(0.047874, rel=1e-3)


def test_a_power_law_is_a_line_of_logarithms() -> None:
    values = np.random.default_rng(1).normal(0, 1, 5)
    spread = np.array([1.0, 2.0, 1.0, 0.5, 1.0])
    found = fit(POWER, SIZES, values, spread)
    slope, level = np.polyfit(np.log(SIZES[:, 0]), values, 1, w=1 / spread)
    assert found.parameters["a"] == pytest.approx(-slope, rel=1e-6)  # may be below 0: a loss that rises
    assert found.parameters["A"] == pytest.approx(np.exp(-level / slope), rel=1e-6)
    np.testing.assert_allclose(found.residuals, values - level - slope * np.log(SIZES[:, 0]), atol=1e-8)


def test_a_constant_is_the_weighted_mean() -> None:
    values, spread = np.log([0.2, 0.3, 0.4, 0.3, 0.2]), np.array([1.0, 1.0, 2.0, 1.0, 1.0])
    found = fit(CONSTANT, SIZES, values, spread)
    assert found.parameters["d"] == pytest.approx(np.exp(np.average(values, weights=1 / spread**2)))


def test_the_joint_law_comes_back() -> None:
    found = fit(JOINT, GRID, np.log(joint_loss(GRID)))
    assert found.parameters == pytest.approx(JOINT_TRUTH, rel=1e-3)
    fixed = GRID[GRID[:, 1] == 4e6]
    np.testing.assert_allclose(np.exp(found.log_loss(fixed)), joint_loss(fixed), rtol=1e-6)


@pytest.mark.parametrize(("law", "variables"), [(CONSTANT, SIZES), (POWER, SIZES), (OFFSET, SIZES), (JOINT, GRID)])
def test_refits_equal_scipy_one_by_one(law: Law, variables: np.ndarray) -> None:
    """The slow twin: least_squares from each start for each series; where it ends, the squares are as small."""
    random = np.random.default_rng(7)
    truth = np.log(paper_loss(variables) if variables.shape[1] == 1 else joint_loss(variables))
    values = truth + random.normal(0, 0.03, (5 if law is JOINT else 20, len(truth)))
    spread = random.uniform(0.5, 2.0, len(truth))
    inner, squares = refit(fit(law, variables, truth, spread), variables, values, spread)
    logs = np.log(variables) - np.log(variables).mean(axis=0)
    bounds = law.bounds(values)
    for i, row in enumerate(values):
        best = min(
            (
                least_squares(lambda p, row=row: (law.log_loss(p, logs) - row) / spread, start, bounds=bounds)
                for start in np.clip(law.starts(logs, row), bounds[0] + 1e-6, bounds[1] - 1e-6)
            ),
            key=lambda one: float(one.cost),
        )
        assert squares[i] <= 2 * best.cost * 1.001 + 1e-9
        left = np.sum(((law.log_loss(inner[i], logs) - row) / spread) ** 2)
        assert squares[i] == pytest.approx(left)


def test_a_constant_series_leaves_the_exponent_of_an_offset_open() -> None:
    assert fit(POWER, SIZES, np.log(np.full(5, 0.3))).parameters["a"] == pytest.approx(0.0, abs=1e-9)
    found = fit(OFFSET, SIZES, np.log(np.full(5, 0.3)))
    assert np.exp(found.log_loss(SIZES)) == pytest.approx(0.3, rel=1e-3)


def test_what_cannot_be_fitted_is_refused() -> None:
    values = np.log(paper_loss(SIZES))
    with pytest.raises(ValueError, match="3 parameters, and there are 2"):
        fit(OFFSET, SIZES[:2], values[:2])
    with pytest.raises(ValueError, match="above 0"):
        fit(POWER, SIZES * np.array([[0.0], [1], [1], [1], [1]]), values)
    with pytest.raises(ValueError, match="finite"):
        fit(POWER, SIZES, np.where(np.arange(5) == 2, np.nan, values))
    with pytest.raises(ValueError, match=r"\[k, 2\]"):
        fit(JOINT, SIZES, values)


def test_odds_and_metrics() -> None:
    np.testing.assert_allclose(log_odds_against([0.8, 0.5], [100, 100]), np.log([0.25, 1.0]))
    values = np.array([0.01, 0.3, 0.999])
    np.testing.assert_allclose(metric_of(log_odds_against(values, 10)), values)
    # None of 9 found: half a query more on either side, 0.5 / 10 of them.
    np.testing.assert_allclose(metric_of(log_odds_against([0.0, 1.0], [9, 9])), [0.05, 0.95])
    with pytest.raises(ValueError, match="between 0 and 1"):
        log_odds_against([1.2], [3])
    with pytest.raises(ValueError, match="one query"):
        log_odds_against([0.2], [0])
