"""Series of runs, their spread and noise, and averages under other questions, against sums written out."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from hybridret.analysis.question_values import MEASURE, question_values
from hybridret.analysis.scaling.bands import band, interval
from hybridret.analysis.scaling.fitting import fit
from hybridret.analysis.scaling.laws import CONSTANT, OFFSET, POWER
from hybridret.analysis.scaling.noise import draws, noise_around, resampled, seed_noise
from hybridret.analysis.scaling.questions import question_counts, resampled_macro
from hybridret.analysis.scaling.series import PRIOR, series

SIZES = np.array([1e5, 1e6, 1e7, 1e8])


def test_cells_are_sizes_in_order() -> None:
    found = series([4.0, 1.0, 4.0, 2.0], [0.1, 0.2, 0.3, 0.4])
    assert found.variables[:, 0].tolist() == [1.0, 2.0, 4.0]
    assert found.counts.tolist() == [1, 1, 2]
    np.testing.assert_allclose(found.means, [0.2, 0.4, 0.2])
    assert found.freedom == 1
    smaller = found.without(1)
    assert smaller.variables[:, 0].tolist() == [1.0, 4.0]
    np.testing.assert_allclose(smaller.means, [0.2, 0.2])


def test_the_spread_is_between_a_size_and_all_sizes() -> None:
    values = np.array([0.0, 0.2, 1.0, 1.0, 1.6, 2.0, 2.1])
    found = series([1, 1, 2, 2, 2, 3, 3], values)
    own = [values[:2].var(ddof=1), values[2:5].var(ddof=1), values[5:].var(ddof=1)]
    every = (own[0] + 2 * own[1] + own[2]) / 4
    wanted = [(PRIOR * every + (n - 1) * one) / (PRIOR + n - 1) for n, one in zip([2, 3, 2], own, strict=True)]
    np.testing.assert_allclose(found.spread**2, wanted)
    np.testing.assert_allclose(found.errors, found.spread / np.sqrt([2, 3, 2]))


@pytest.mark.parametrize("seeds", [1, 2, 5])
def test_a_line_has_students_interval(seeds: int) -> None:
    """In a linear model the resamples give the interval of a textbook."""
    random = np.random.default_rng(seeds)
    sizes = np.repeat(SIZES, seeds)
    values = -0.3 * np.log(sizes) + random.normal(0, 0.05, len(sizes))
    one = series(sizes, values)
    found = band(POWER, one, draws(len(sizes), 20_000, random))
    logs = np.log(one.variables[:, 0])
    weights = one.errors**-2
    middle = np.average(logs, weights=weights)
    error = 1 / np.sqrt(np.sum(weights * (logs - middle) ** 2))
    noise = found.noise
    error *= np.sqrt(np.mean(noise.deviations**2))
    half = stats.t.ppf(0.975, noise.freedom) * error
    low, high = found.intervals()["a"]
    value = found.fit.parameters["a"]
    assert noise.source == ("law" if seeds == 1 else "seeds")
    assert noise.freedom == (2 if seeds == 1 else 4 * (seeds - 1))
    # Deviations are few and not normal, so the agreement is not exact.
    assert (low, high) == pytest.approx((value - half, value + half), abs=0.3 * half)


def test_sizes_far_from_the_law_widen_the_interval() -> None:
    random = np.random.default_rng(3)
    sizes = np.repeat(SIZES, 3)
    bent = np.repeat([0.0, 0.4, -0.4, 0.0], 3) - 0.1 * np.log(sizes) + random.normal(0, 0.01, 12)
    one = series(sizes, bent)
    noise = noise_around(one, fit(POWER, one.variables, one.means, one.errors))
    assert noise.source == "law"
    assert noise.misfit < 1e-3
    low, high = band(POWER, one, draws(12, 2000, random)).intervals()["a"]
    assert low < 0 < high
    straight = series(sizes, -0.1 * np.log(sizes) + random.normal(0, 0.01, 12))
    assert noise_around(straight, fit(POWER, straight.variables, straight.means)).misfit > 0.05


def test_one_seed_and_no_size_to_spare_have_no_interval() -> None:
    one = series(SIZES[:3], np.log([0.5, 0.3, 0.25]))
    found = band(OFFSET, one, draws(3, 100, np.random.default_rng(0)))
    assert not found.known
    assert np.isnan(found.intervals()["a"]).all()
    with pytest.raises(ValueError, match="no noise is known"):
        resampled(one, seed_noise(one), draws(3, 10, np.random.default_rng(0)))


def test_series_of_the_same_runs_are_resampled_together() -> None:
    random = np.random.default_rng(5)
    sizes, shared = np.repeat(SIZES, 3), random.normal(0, 0.05, 12)
    own = draws(12, 4000, random)
    mono = band(POWER, series(sizes, shared - 0.3 * np.log(sizes)), own)
    cross = band(POWER, series(sizes, shared - 0.4 * np.log(sizes)), own)
    low, high = interval(cross.draws_of("a") - mono.draws_of("a"))
    assert (low, high) == pytest.approx((0.1, 0.1), abs=1e-6)  # the noise of a run is the same in both


def test_other_questions_add_their_own_spread() -> None:
    """Equal seeds have no noise, so the exponent moves by what questions add: a line through it."""
    random = np.random.default_rng(6)
    sizes = np.repeat(SIZES, 2)
    questions = random.normal(0, 0.05, (300, 4))
    found = band(POWER, series(sizes, -0.3 * np.log(sizes)), draws(8, 300, random), questions)
    slopes = np.polyfit(np.log(SIZES), questions.T, 1)[0]
    np.testing.assert_allclose(found.draws_of("a"), 0.3 - slopes, atol=1e-6)


def test_a_failed_refit_never_makes_an_interval_narrower() -> None:
    values = np.linspace(0, 1, 1001)
    assert interval(values) == pytest.approx((0.025, 0.975), abs=2e-3)
    some = values.copy()
    some[480:500] = np.nan
    low, high = interval(some)
    assert low < interval(values)[0]
    assert high > interval(values)[1]
    some[480:520] = np.nan
    assert interval(some) == (-np.inf, np.inf)
    assert np.isnan(interval(np.zeros(0))).all()


@pytest.mark.parametrize("holes", [False, True])
def test_averages_of_drawn_questions_are_those_of_rows_written_anew(holes: bool) -> None:
    random = np.random.default_rng(11)
    rows = [
        {"dataset": "d", "setting": "monolingual", "metric": "map", "cutoff": 0, "query_language": language,
         "corpus_language": language, "question": f"q{i}"}
        for language in ("de", "en", "ru") for i in range(9) if not (holes and language == "ru" and i > 0)
    ]  # fmt: skip
    tables = [(run, pd.DataFrame(rows).assign(value=random.random(len(rows)))) for run in ("r1", "r2")]
    runs = pd.DataFrame({"run": ["r1", "r2"], "configuration": "c", "seed": [1, 2]})
    (values,) = question_values(runs, tables)
    counts = question_counts(9, 300, random)
    found = resampled_macro(values, counts)
    assert counts.sum(axis=1).tolist() == [9.0] * 300
    for i in range(20):  # in some, no question of ru is drawn
        times = dict(zip(values.questions, counts[i].astype(int), strict=True))
        for r, (_, table) in enumerate(tables):
            drawn = table.loc[table.index.repeat(table["question"].map(times))]
            cells = drawn.groupby([*MEASURE, "query_language"])["value"].mean()
            assert found[i, r] == pytest.approx(cells.mean())


def test_no_series_from_what_is_none() -> None:
    for variables, values in (([], []), ([1.0], [np.nan]), ([0.0], [1.0]), ([1.0, 2.0], [1.0])):
        with pytest.raises(ValueError):
            series(variables, values)


def test_equal_seeds_have_no_noise() -> None:
    sizes = np.repeat(SIZES, 2)
    found = band(CONSTANT, series(sizes, np.full(8, -1.0)), draws(8, 50, np.random.default_rng(0)))
    assert found.intervals()["d"] == pytest.approx((np.exp(-1), np.exp(-1)))
