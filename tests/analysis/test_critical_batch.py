"""Critical batch sizes: closed cases, slow twins, and simulated studies whose truth is known."""

from __future__ import annotations

from itertools import product
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy.optimize import minimize
from scipy.stats import norm

from hybridret.analysis.critical_batch.batch_law import BatchLaw, fit_batch_law, law_draws
from hybridret.analysis.critical_batch.crossing import BEFORE, NOT_REACHED, REACHED, common_target, crossing, falling
from hybridret.analysis.critical_batch.growth import exponents
from hybridret.analysis.critical_batch.study import WITH_THE_BATCH, fits, growth, series, steps_to_target

BATCHES = np.array([16.0, 32, 64, 128, 256, 512])


def pooled(values: list[float]) -> list[float]:
    """Isotonic regression by hand: neighbours that rise are replaced by their mean until none does."""
    blocks = [[value] for value in values]
    while True:
        means = [sum(one) / len(one) for one in blocks]
        rising = [i for i in range(len(blocks) - 1) if means[i + 1] > means[i]]
        if not rising:
            return [mean for one, mean in zip(blocks, means, strict=True) for _ in one]
        blocks[rising[0]] += blocks.pop(rising[0] + 1)


def scanned(steps: np.ndarray, values: np.ndarray, target: float) -> float:
    """The first of 200,001 steps whose interpolated value is below the target."""
    grid = np.geomspace(steps[0], steps[-1], 200_001)
    curve = np.interp(np.log(grid), np.log(steps), pooled(values.tolist()))
    return float(grid[np.flatnonzero(curve <= target)[0]])


def test_curves_are_made_falling_and_crossed_as_by_hand() -> None:
    random = np.random.default_rng(0)
    for _ in range(30):
        steps = np.cumsum(random.integers(1, 20, 12)).astype(float)
        values = 3 - np.log(steps) / 2 + random.normal(0, 0.3, 12)
        np.testing.assert_allclose(falling(values), pooled(values.tolist()), rtol=1e-12)
        curve = falling(values)
        target = float(random.uniform(curve[-1], curve[0]))
        found = crossing(steps, values, target)
        assert found.state == REACHED
        assert found.steps == pytest.approx(scanned(steps, values, target), rel=1e-3)


def test_crossings_in_closed_form() -> None:
    steps, values = np.array([10.0, 100.0, 1000.0]), np.array([3.0, 2.0, 1.0])
    assert crossing(steps, values, 1.5).steps == pytest.approx(10**2.5)
    assert crossing(steps, values, 2.0).steps == pytest.approx(100)
    assert crossing(steps, values, 3.0).state == REACHED
    assert (crossing(steps, values, 0.9).state, crossing(steps, values, 0.9).steps) == (NOT_REACHED, 1000)
    assert (crossing(steps, values, 3.1).state, crossing(steps, values, 3.1).steps) == (BEFORE, 10)
    assert crossing(steps, np.array([3.0, np.nan, 1.0]), 2.0).steps == pytest.approx(100)
    lucky = np.array([3.0, 0.5, 2.5])  # one good measurement is not a target reached
    assert crossing(steps, lucky, 1.0).state == NOT_REACHED
    for wrong in ([0.0, 1.0, 2.0], [2.0, 1.0, 3.0]):
        with pytest.raises(ValueError, match="steps that rise"):
            crossing(np.array(wrong), values, 1.0)


def test_nine_of_ten_runs_reach_the_common_target() -> None:
    curves = [np.array([5.0, level]) for level in range(10)]
    assert common_target(curves) == 6.5  # 5 and 8 become 6.5; 5 and 9 become 7
    assert common_target(curves[:1]) == 0.0


def test_the_law_in_closed_form() -> None:
    law = BatchLaw(least_steps=100.0, scale=200.0, spread=0.1)
    assert law.steps(np.array([200.0]))[0] == 200
    assert law.critical() == 40
    batch = law.critical()
    pairs = batch * law.steps(np.array([batch]))[0]
    assert pairs == pytest.approx(1.2 * 100 * 200)  # small batches need 20,000 pairs
    found = fit_batch_law(BATCHES, law.steps(BATCHES))
    assert (found.least_steps, found.scale) == (pytest.approx(100, rel=1e-3), pytest.approx(200, rel=1e-3))


def test_without_censored_runs_it_is_least_squares_by_a_grid() -> None:
    random = np.random.default_rng(1)
    batch = np.repeat(BATCHES, 2)
    steps = BatchLaw(50, 90, 0).steps(batch) * np.exp(random.normal(0, 0.1, len(batch)))
    best, where = np.inf, 0.0
    for scale in np.geomspace(10, 1000, 20_001):
        shape = np.log1p(scale / batch)
        square = float(np.var(np.log(steps) - shape))
        if square < best:
            best, where = square, scale
    found = fit_batch_law(batch, steps)
    assert found.scale == pytest.approx(where, rel=1e-3)
    assert found.spread**2 == pytest.approx(best, rel=1e-3)


def test_censored_runs_as_a_plain_likelihood() -> None:
    random = np.random.default_rng(2)
    batch = np.repeat(BATCHES, 3)
    taken = BatchLaw(50, 90, 0).steps(batch) * np.exp(random.normal(0, 0.2, len(batch)))
    limit = np.quantile(taken, 0.8)
    late, steps = taken > limit, np.minimum(taken, limit)

    def slow(at: np.ndarray) -> float:
        total = 0.0
        for size, step, is_late in zip(batch, steps, late, strict=True):
            expected = at[0] + np.log(1 + np.exp(at[1]) / size)
            z = (np.log(step) - expected) / np.exp(at[2])
            total -= norm.logsf(z) if is_late else norm.logpdf(z) - at[2]
        return total

    expected = minimize(slow, np.array([4.0, 4.0, -1.0]), method="Nelder-Mead", options={"maxiter": 4000}).x
    found = fit_batch_law(batch, steps, late)
    assert np.log([found.least_steps, found.scale, found.spread]) == pytest.approx(expected, abs=2e-3)
    assert fit_batch_law(batch, steps).scale < found.scale  # taken for reached, they pull small batches down
    assert fit_batch_law(batch[~late], steps[~late]).scale < found.scale  # and so does leaving them out


def test_what_has_no_law_is_refused() -> None:
    with pytest.raises(ValueError, match="three batch sizes"):
        fit_batch_law(BATCHES[:2], BATCHES[:2])
    with pytest.raises(ValueError, match="three batch sizes"):
        fit_batch_law(BATCHES[:3], BATCHES[:3], np.array([False, False, True]))
    with pytest.raises(ValueError, match="above 0"):
        fit_batch_law(BATCHES, BATCHES * 0)
    law = BatchLaw(1, 1, 1)
    with pytest.raises(ValueError, match="four runs"):
        law_draws(law, BATCHES[:3], np.full(3, np.inf), 10, np.random.default_rng(0))
    with pytest.raises(ValueError, match="too few runs"):
        law_draws(law, BATCHES, np.full(6, 1e-9), 10, np.random.default_rng(0))


def test_exponents_in_closed_form() -> None:
    size, data = (np.array(one, dtype=float) for one in zip(*product((1, 10, 100), (1, 4, 16)), strict=True))
    critical = 3 * size**0.1 * data**0.5
    found = exponents(critical, np.tile(critical[:, None], 5), {"size": size, "data": data, "same": np.ones(9)})
    assert {name: round(one.value, 9) for name, one in found.items()} == {"size": 0.1, "data": 0.5}
    assert (found["data"].low, found["data"].levels) == (pytest.approx(0.5), 3)
    assert exponents(critical, critical[:, None], {"size": size, "twice": 2 * size}) == {}
    assert exponents(critical, critical[:, None], {"same": np.ones(9)}) == {}


def study(
    random: np.random.Generator, seeds: int = 3, noise: float = 0.05, growing: float = 0.47
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Runs and curves of a strategy: C = 100 data^growing at every size; the entropy falls with log(progress)."""
    runs: list[dict[str, Any]] = []
    curves: list[dict[str, Any]] = []
    cells = product(((16, 1), (64, 1), (256, 1), (16, 4), (16, 16)), (1e4, 1e5), (1.0, 3.0, 9.0), range(seeds))
    for (loss_batch, accumulate), parameters, data, seed in cells:
        run = f"{loss_batch}x{accumulate}-{parameters:g}-{data:g}-{seed}"
        runs.append(
            {"run": run, "strategy": "hybrid", "size": f"{parameters:g}", "parameters": parameters, "data": data,
             "seed": seed, "loss_batch": loss_batch, "accumulate": accumulate}
        )  # fmt: skip
        law = BatchLaw(40, 100 * data**growing, 0)
        needed = float(law.steps(np.array([loss_batch * accumulate]))[0] * np.exp(random.normal(0, noise)))
        for step in np.geomspace(5, 3000, 40):
            value = 1.0 - 0.4 * np.log(step / needed) + random.normal(0, 0.004)
            curves.append({"run": run, "step": step, "value": max(value, 0.9)})
    return pd.DataFrame(runs), pd.DataFrame(curves)


def test_a_study_goes_from_curves_to_exponents() -> None:
    runs, curves = study(np.random.default_rng(11))
    found = series(runs)
    assert set(found["negatives"]) == {WITH_THE_BATCH, "15"}
    assert len(found) == 6 * 3 * (3 + 3)
    steps = steps_to_target(found, curves, "monolingual")
    assert set(steps["state"]) == {REACHED}
    table, draws = fits(steps, 100, seed=1)
    assert len(table) == len(draws) == 12
    truth = 0.2 * 100 * table["data"] ** 0.47
    assert (np.abs(np.log(table["critical"] / truth)) < 0.5).all()
    assert ((table["low"] < table["critical"]) & (table["critical"] < table["high"])).all()
    grown = growth(table, draws).set_index(["negatives", "of"])
    for negatives in (WITH_THE_BATCH, "15"):
        data, size = grown.loc[(negatives, "data")], grown.loc[(negatives, "parameters")]
        assert data["low"] < 0.47 < data["high"]
        assert size["low"] < 0 < size["high"]
    again, repeated = fits(steps, 100, seed=1)
    pd.testing.assert_frame_equal(again, table)
    np.testing.assert_array_equal(repeated, draws)


def test_groups_without_a_fit_say_why() -> None:
    runs, curves = study(np.random.default_rng(4), seeds=1)
    few = runs[runs["loss_batch"] * runs["accumulate"] < 200]
    table, draws = fits(steps_to_target(series(few), curves, "monolingual"), 100, seed=1)
    assert table["critical"].isna().all()
    assert table["reason"].str.contains("three batch sizes").all()
    assert np.isnan(draws).all()
    assert growth(table, draws).empty
    three, _ = fits(steps_to_target(series(runs), curves, "monolingual"), 100, seed=1)
    assert three["reason"].str.contains("four runs").all()
    assert three["critical"].notna().all()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("seeds", "late", "repetitions", "resamples"), [(1, np.inf, 400, 500), (3, np.inf, 400, 500), (3, 250.0, 60, 60)]
)
def test_intervals_hold_the_truth_as_often_as_they_say(
    seeds: int, late: float, repetitions: int, resamples: int
) -> None:
    """95% intervals of C in simulated studies; `late`: runs are censored there, the smallest batches often."""
    random, law, held = np.random.default_rng(5), BatchLaw(60, 60, 0), 0
    batch = np.repeat(BATCHES, seeds)
    for _ in range(repetitions):
        steps = law.steps(batch) * np.exp(random.normal(0, 0.1, len(batch)))
        censored = steps > late
        found = fit_batch_law(batch, np.minimum(steps, late), censored)
        draws = law_draws(found, batch, np.full(len(batch), late), resamples, random)
        low, high = np.quantile(draws, [0.025, 0.975])
        held += low <= law.scale <= high
    assert (0.92 if late == np.inf else 0.88) <= held / repetitions <= (0.985 if late == np.inf else 1.0)


@pytest.mark.slow
def test_exponents_of_studies_lie_in_their_intervals() -> None:
    held: list[bool] = []
    for number in range(40):
        runs, curves = study(np.random.default_rng(100 + number))
        table, draws = fits(steps_to_target(series(runs), curves, "monolingual"), 200, seed=number)
        truth = {"data": 0.47, "parameters": 0.0}
        held += [row["low"] <= truth[row["of"]] <= row["high"] for row in growth(table, draws).to_dict("records")]
    assert len(held) == 160
    assert 0.9 <= np.mean(held) <= 1.0
