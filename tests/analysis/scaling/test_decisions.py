"""Predictions, the split of a budget, exponents and gaps: decided where they should be, else undecided and why."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from hybridret.analysis.scaling.bands import band
from hybridret.analysis.scaling.budget import best_parameters, best_split, training_flops
from hybridret.analysis.scaling.exponents import difference, exponent
from hybridret.analysis.scaling.gap import gap
from hybridret.analysis.scaling.laws import CONSTANT, JOINT, OFFSET, POWER
from hybridret.analysis.scaling.noise import Draws, draws
from hybridret.analysis.scaling.prediction import ENOUGH, choose_law, held_out
from hybridret.analysis.scaling.series import Series, series

SIZES = np.array([1e5, 5e5, 2e6, 1e7, 5e7])
LAW = np.array([2e4, 0.5, 3e4, 0.8, 0.05])


def made(curve: np.ndarray, seeds: int, seed: int, noise: float = 0.02, sizes: np.ndarray = SIZES) -> Series:
    random = np.random.default_rng(seed)
    x = np.repeat(sizes, seeds)
    return series(x, np.repeat(curve[: len(sizes)], seeds) + random.normal(0, noise, len(x)))


def of(one: Series, resamples: int = 500, seed: int = 1) -> Draws:
    return draws(len(one.values), resamples, np.random.default_rng(seed))


def power(a: float, sizes: np.ndarray = SIZES) -> np.ndarray:
    return -a * np.log(sizes / 1e4)


def test_the_largest_size_is_predicted_from_the_smaller_ones() -> None:
    one = made(np.log((3.2e4 / SIZES) ** 0.53 + 0.04), 3, 2)
    found = held_out(OFFSET, one, of(one))
    assert found is not None
    assert found.variable == SIZES[-1]
    assert found.fitted_sizes == 4
    assert found.low < found.predicted < found.high
    assert found.covered
    changed = series(np.repeat(SIZES, 3), np.where(np.arange(15) < 12, one.values, one.values + 5.0))
    other = held_out(OFFSET, changed, of(one))
    assert other is not None
    assert other.predicted == pytest.approx(found.predicted)  # the largest size is not looked at
    assert other.error == pytest.approx(found.error - 5.0)
    assert other.covered is False


def test_a_prediction_needs_two_sizes_and_as_many_as_parameters() -> None:
    one = made(power(0.3), 2, 1)
    two = Series(one.variables[:2], one.values[:4], one.cell[:4])
    three = Series(one.variables[:3], one.values[:6], one.cell[:6])
    assert held_out(POWER, two, of(two)) is None
    assert held_out(OFFSET, three, of(three)) is None
    found = held_out(POWER, three, of(three))
    assert found is not None
    assert np.isfinite([found.low, found.high]).all()
    single = made(power(0.3), 1, 1, sizes=SIZES[:3])
    found = held_out(POWER, single, of(single))
    assert found is not None
    assert found.covered is None


@pytest.mark.parametrize(
    ("curve", "law"),
    [(np.full(5, -1.0), CONSTANT), (power(0.4), POWER), (np.log((3.2e4 / SIZES) ** 0.8 + 0.1), OFFSET)],
)
def test_the_law_is_chosen_by_held_out_error(curve: np.ndarray, law: object) -> None:
    chosen, errors = choose_law([made(curve, 3, seed, noise=0.005) for seed in range(2)])
    assert chosen is law
    assert errors[chosen.name] <= ENOUGH * min(errors.values())
    assert set(errors) == {"constant", "power", "offset"}


def test_of_three_sizes_only_simple_laws_are_judged() -> None:
    chosen, errors = choose_law([made(power(0.4, SIZES[:3]), 2, 1, sizes=SIZES[:3])])
    assert chosen is POWER
    assert set(errors) == {"constant", "power"}
    with pytest.raises(ValueError, match="third size"):
        choose_law([made(power(0.4, SIZES[:2]), 2, 1, sizes=SIZES[:2])])


@pytest.mark.parametrize("encoded", [0.0, 1e9])
@pytest.mark.parametrize("budget", [1e15, 1e18])
def test_the_best_split_against_a_grid(budget: float, encoded: float) -> None:
    tokens = 60.0
    sizes = np.exp(np.linspace(np.log(1e3), np.log(1e11), 400_001))
    left = budget - 2 * sizes * encoded
    pairs = np.where(left > 0, left, np.nan) / (6 * sizes * tokens)
    loss = ((LAW[0] / sizes) ** (LAW[1] / LAW[3]) + LAW[2] / pairs) ** LAW[3] + LAW[4]
    found = float(best_parameters(LAW, budget, tokens, encoded))
    assert found == pytest.approx(sizes[np.nanargmin(loss)], rel=1e-3)
    if not encoded:
        ratio = LAW[1] / LAW[3]
        closed = (ratio * LAW[0] ** ratio * budget / (6 * tokens * LAW[2])) ** (1 / (1 + ratio))
        assert found == pytest.approx(closed, rel=1e-9)


def test_a_split_has_an_interval_and_says_where_it_goes_beyond_the_data() -> None:
    grid = np.array([(n, d) for n in (1e5, 1e6, 1e7) for d in (1e5, 6e5, 4e6)])
    runs = np.repeat(grid, 2, axis=0)
    loss = ((LAW[0] / runs[:, 0]) ** (LAW[1] / LAW[3]) + LAW[2] / runs[:, 1]) ** LAW[3] + LAW[4]
    one = series(runs, np.log(loss) + np.random.default_rng(1).normal(0, 0.005, len(runs)))
    found = band(JOINT, one, of(one, 200))
    budget = float(training_flops(np.array(1e6), np.array(6e5), 60.0))
    split = best_split(found, budget, 60.0, grid)
    low, high = split.parameters_interval
    assert low < split.parameters < high
    assert low < float(best_parameters(LAW, budget, 60.0)) < high
    assert split.pairs * split.parameters * 360 == pytest.approx(budget)
    assert not split.beyond
    assert best_split(found, 1e4 * budget, 60.0, grid).beyond
    with pytest.raises(ValueError, match="joint law"):
        best_split(band(POWER, made(power(0.3), 2, 1), of(made(power(0.3), 2, 1))), budget, 60.0, grid)
    with pytest.raises(ValueError, match="above 0"):
        best_parameters(LAW, 0.0, 60.0)


def test_an_exponent_and_a_difference_are_decided() -> None:
    mono, cross = made(power(0.25), 3, 1), made(power(0.42), 3, 2)
    first, second = exponent(POWER, cross, of(cross)), exponent(POWER, mono, of(mono, seed=2))
    assert first.judged.decided
    assert first.judged.low < 0.42 < first.judged.high
    found = difference(first, second)
    assert found.decided
    assert found.low < 0.17 < found.high
    assert difference(first, first).reason == "the interval includes 0"


@pytest.mark.parametrize(
    ("one", "law", "reason"),
    [
        (made(power(0.4, SIZES[:2]), 3, 1, sizes=SIZES[:2]), POWER, "only two sizes were trained"),
        (made(power(0.4, SIZES[:1]), 3, 1, sizes=SIZES[:1]), POWER, "only one size was trained"),
        (
            made(power(0.4, np.array([1e6, 2e6, 4e6])), 3, 1, sizes=np.array([1e6, 2e6, 4e6])),
            POWER,
            "the largest size is only 4 times the smallest one",
        ),
        (made(np.full(5, -1.0), 3, 1), POWER, "the interval includes 0"),
        (made(np.full(5, -1.0), 1, 1, noise=0.3), POWER, "the interval includes 0"),
        (made(np.array([-1.0, -0.2, -1.0, -0.2, -1.0]), 3, 1), POWER, "the interval includes 0"),
        (made(power(0.3, SIZES[:3]), 1, 1, sizes=SIZES[:3]), OFFSET, "there is one seed for each size"),
        (made(np.full(5, -1.0), 3, 1), OFFSET, ("the data do not determine the exponent", "the fit does not converge")),
    ],
)
def test_an_exponent_is_undecided_because(one: Series, law: object, reason: str | tuple[str, ...]) -> None:
    if len(one.variables) < 2:
        with pytest.raises(ValueError, match="2 parameters"):
            exponent(POWER, one, of(one))
        return
    found = exponent(law, one, of(one))  # type: ignore[arg-type]
    assert found.judged.reason.startswith(reason)
    fine = exponent(POWER, made(power(0.4), 3, 1), of(made(power(0.4), 3, 1)))
    assert not difference(found, fine).decided or reason == "the interval includes 0"


def test_a_gap_that_grows_and_one_that_does_not() -> None:
    logs = np.log10(SIZES)
    mono, cross = made(0.5 + 0 * logs, 3, 1, 0.005), made(0.3 + 0 * logs, 3, 2, 0.005)
    own = made(0.5 + 0.02 * (logs - 6), 3, 3, 0.005)
    random = [of(own, 1000, seed) for seed in range(3)]
    found = gap(own, [mono, cross], 1, random)
    np.testing.assert_allclose(found.values, own.means - np.maximum(mono.means, cross.means))
    assert found.slope.value == pytest.approx(np.polyfit(logs, found.values, 1)[0])
    assert found.slope.decided
    assert found.slope.low < 0.02 < found.slope.high
    assert ((found.intervals[:, 0] < found.values) & (found.values < found.intervals[:, 1])).all()
    assert gap(mono, [mono, cross], 1, random).slope.value == 0.0
    # Of a loss the smaller one is the rival.
    loss = gap(own, [mono, cross], -1, random)
    np.testing.assert_allclose(loss.values, cross.means - own.means)
    assert loss.slope.low < loss.slope.value < loss.slope.high
    assert ((loss.intervals[:, 0] < loss.values) & (loss.values < loss.intervals[:, 1])).all()
    flat = gap(mono, [made(0.48 + 0 * logs, 3, 5, 0.005)], 1, random[:2])
    assert flat.slope.reason == "the interval includes 0"


def test_a_gap_with_one_seed_has_students_interval() -> None:
    own, other = (made(np.linspace(0.3, 0.5 - 0.1 * i, 5), 1, i, 0.005) for i in (0, 1))
    found = gap(own, [other], 1, [of(own), of(other)])
    line = stats.linregress(np.log10(SIZES), own.means - other.means)
    half = stats.t.ppf(0.975, 3) * line.stderr
    assert (found.slope.low, found.slope.high) == pytest.approx((line.slope - half, line.slope + half))
    assert np.isnan(found.intervals).all()


def test_a_gap_needs_common_sizes() -> None:
    own, other = made(power(0.3), 2, 1), made(power(0.3), 2, 1, sizes=SIZES[:2])
    found = gap(own, [other], 1, [of(own), of(other)])
    assert found.sizes.tolist() == SIZES[:2].tolist()
    assert found.slope.reason == "only two sizes were trained"
    with pytest.raises(ValueError, match="no size"):
        gap(own, [made(power(0.3), 2, 1, sizes=SIZES + 1)], 1, [of(own), of(other)])
