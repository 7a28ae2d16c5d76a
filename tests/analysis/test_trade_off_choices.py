"""What a preference picks, the best alpha of a grid, and how it moves with size, on cases whose answer is known."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import linregress, t

from hybridret.analysis.trade_off.alpha_by_size import alpha_by_size
from hybridret.analysis.trade_off.best_alpha import Method, best_alpha
from hybridret.analysis.trade_off.preference import by_loss, by_weight, pick, weighted, within
from hybridret.analysis.trade_off.resamples import Resamples

GRID = np.array([0.0, 0.25, 0.5, 0.75, 1.0])


def resamples(values: np.ndarray, observed: np.ndarray, better: tuple[int, ...] = (1, 1)) -> Resamples:
    names = tuple(f"c{i}" for i in range(len(observed)))
    return Resamples(values, observed, names, ("mono", "cross"), better, (1,) * len(names), 10)


def test_a_loss_and_a_weight_pick_by_hand() -> None:
    values = np.array([[0.980, 0.2], [0.976, 0.7], [0.974, 0.9], [0.979, 0.5]])
    assert by_loss(values, 0.005) == 1
    assert by_loss(values, 0.0) == 0
    assert by_loss(values, 0.1) == 2
    assert by_weight(values, 1.0) == 0
    assert by_weight(values, 0.5) == 2
    assert by_weight(values, 0.995) == 3


def test_picks_of_draws_are_those_one_by_one() -> None:
    draws = np.random.default_rng(0).normal(0, 0.004, (300, 4, 2))
    draws += np.array([[0.980, 0.72], [0.976, 0.724], [0.974, 0.725], [0.979, 0.722]])
    found = pick(resamples(draws, draws.mean(axis=0)), within(0.005))
    slow = []
    for one in draws:
        allowed = [i for i in range(4) if one[i, 0] >= one[:, 0].max() - 0.005]
        slow.append(max(allowed, key=lambda i: one[i, 1]))
    np.testing.assert_array_equal(found.probability, np.bincount(slow, minlength=4) / 300)
    assert found.probability.min() > 0
    chosen, best = int(found.picked[1:]), int(found.best_first[1:])
    assert best == draws.mean(axis=0)[:, 0].argmax()
    assert found.change[1, 0] == pytest.approx(draws[:, chosen, 1].mean() - draws[:, best, 1].mean())
    assert found.change[1, 1:] == pytest.approx(np.quantile(draws[:, chosen, 1] - draws[:, best, 1], [0.025, 0.975]))
    assert found.kept == np.mean([one[chosen, 0] >= one[:, 0].max() - 0.005 for one in draws])
    light = pick(resamples(draws, draws.mean(axis=0)), weighted(0.0))
    assert light.picked == f"c{draws.mean(axis=0)[:, 1].argmax()}"


def test_a_preference_is_between_two_goals() -> None:
    with pytest.raises(ValueError, match="between two goals, got 3"):
        pick(resamples(np.zeros((3, 2, 3)), np.zeros((2, 3)), (1, 1, 1)), weighted())


@pytest.mark.parametrize("method", ["parabola", "quadratic"])
@pytest.mark.parametrize("peak", [0.2, 0.5, 0.55, 0.9])
def test_the_peak_of_a_parabola_is_found(method: Method, peak: float) -> None:
    for grid in (GRID, np.array([0.0, 0.1, 0.5, 0.8, 1.0])):
        objective = np.stack([0.9 - 0.1 * (grid - peak) ** 2, 0.2 - 3 * (grid - peak) ** 2])
        np.testing.assert_allclose(best_alpha(grid, objective, method), peak, atol=1e-9)


def test_ends_and_cliffs() -> None:
    rising, cliff = 0.5 + 0.1 * GRID**2, np.array([0.90, 0.93, 0.94, 0.93, 0.50])
    for method in ("parabola", "quadratic", "argmax"):
        assert best_alpha(GRID, rising, method) == 1
        assert best_alpha(GRID, rising[::-1], method) == 0
    assert best_alpha(GRID, cliff) == pytest.approx(0.5)
    assert best_alpha(GRID, cliff, "argmax") == 0.5
    assert best_alpha(GRID, cliff, "quadratic") < 0.4  # what the parabola is for
    assert best_alpha(GRID, np.full(5, 0.3)) == 0
    with pytest.raises(ValueError, match="must rise"):
        best_alpha(GRID[::-1], cliff)
    with pytest.raises(ValueError, match="2 alphas"):
        best_alpha(GRID[:2], cliff[:2])


def test_best_alphas_of_draws_are_those_one_by_one() -> None:
    objective = np.random.default_rng(0).normal(0, 0.02, (200, 5)) - 0.1 * (GRID - 0.4) ** 2
    for method in ("parabola", "quadratic"):
        for one, found in zip(objective, best_alpha(GRID, objective, method), strict=True):
            top = int(one.argmax())
            middle = min(max(top, 1), 3)
            around = slice(middle - 1, middle + 2) if method == "parabola" else slice(None)
            curve = np.polyfit(GRID[around], one[around], 2)
            end = GRID[top] if method == "parabola" else GRID[0] if one[0] >= one[-1] else GRID[-1]
            slow = np.clip(-curve[1] / (2 * curve[0]), 0, 1) if curve[0] < 0 else end
            assert found == pytest.approx(slow, abs=1e-9)


def test_a_slope_by_hand() -> None:
    parameters, best = np.array([1e4, 1e5, 1e6]), np.array([0.3, 0.4, 0.5])
    drawn = best + np.random.default_rng(0).normal(0, 0.01, (4_000, 3))
    found = alpha_by_size(parameters, best, drawn)
    assert found.per_tenfold == pytest.approx(0.1)
    assert found.decided
    assert not found.widened
    assert [found.low, found.high] == pytest.approx(
        [0.1 - 1.96 * 0.01 / np.sqrt(2), 0.1 + 1.96 * 0.01 / np.sqrt(2)], abs=0.001
    )


def test_what_is_undecided_has_a_reason() -> None:
    drawn = np.random.default_rng(0).normal(0.5, 0.1, (500, 3))
    flat = alpha_by_size(np.array([1e4, 1e5, 1e6]), np.full(3, 0.5), drawn)
    assert (flat.decided, flat.reason) == (False, "the interval holds 0")
    two = alpha_by_size(np.array([1e4, 1e6]), np.array([0.2, 0.8]), drawn[:, :2] * 0)
    assert (two.decided, two.reason) == (False, "there are fewer than 3 sizes")
    one = alpha_by_size(np.array([1e4]), np.array([0.2]), drawn[:, :1])
    assert (one.decided, one.reason) == (False, "there is one size")
    assert np.isnan(one.per_tenfold)


def test_scatter_beyond_the_draws_widens_the_interval() -> None:
    parameters, best = 10.0 ** np.arange(4, 9), np.array([0.1, 0.9, 0.1, 0.9, 0.5])
    drawn = best + np.random.default_rng(0).normal(0, 0.001, (500, 5))
    found = alpha_by_size(parameters, best, drawn)
    assert found.widened
    assert found.high - found.low == pytest.approx(2 * t.ppf(0.975, 3) * linregress(np.log10(parameters), best).stderr)
    assert not found.decided


@pytest.mark.parametrize("sizes", [3, 4, 5])
def test_scatter_that_draws_do_not_explain_shows_no_slope(sizes: int) -> None:
    random, decided = np.random.default_rng(sizes), 0
    for _ in range(400):
        best = 0.5 + random.normal(0, 0.05, sizes)
        drawn = best + random.normal(0, 0.002, (200, sizes))
        decided += alpha_by_size(10.0 ** np.arange(4, 4 + sizes), best, drawn).decided
    assert decided / 400 <= 0.1  # .05 is expected; with the normal distribution .30, .19 and .15


@pytest.mark.slow
@pytest.mark.parametrize(("method", "low", "high"), [("parabola", 0.90, 1.0), ("quadratic", 0.92, 0.98)])
@pytest.mark.parametrize("slope", [0.0, 0.1])
def test_the_slope_is_covered(method: Method, low: float, high: float, slope: float) -> None:
    """Objectives that are parabolas with a peak on a line through sizes; draws as the bootstrap of such noise gives."""
    parameters = 10.0 ** np.arange(4, 9)
    peaks = 0.5 + slope * (np.log10(parameters) - 6)
    held, found_at, decided = [], [], []
    for repetition in range(400):
        random = np.random.default_rng([repetition, int(slope * 10)])
        truth = 0.9 - 0.08 * (GRID - peaks[:, None]) ** 2
        seen = truth + random.normal(0, 0.002, truth.shape)
        drawn = seen + random.normal(0, 0.002, (400, *truth.shape))
        best = best_alpha(GRID, seen, method)
        one = alpha_by_size(parameters, best, best_alpha(GRID, drawn, method))
        held.append(one.low <= slope <= one.high)
        found_at.append(one.per_tenfold)
        decided.append(one.decided)
    assert low <= np.mean(held) <= high
    assert np.mean(found_at) == pytest.approx(slope, abs=0.01)
    assert np.mean(decided) < 0.08 if slope == 0 else np.mean(decided) > 0.8
