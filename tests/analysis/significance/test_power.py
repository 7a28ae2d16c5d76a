"""Detectable differences and what it takes to settle a comparison, against scipy and statsmodels."""

from __future__ import annotations

from types import ModuleType

import numpy as np
import pandas as pd
import pytest
import scipy.stats
from statsmodels.stats.power import TTestPower

from hybridret.analysis.significance.comparisons import comparisons
from hybridret.analysis.significance.power import detectable_difference, needs, noncentrality


@pytest.mark.parametrize("freedom", [1.0, 2.5, 8.0, 60.0, 5_000.0, 1e9])
def test_power_at_the_detectable_difference(freedom: float) -> None:
    found = noncentrality(np.array([freedom]), 0.8, 0.05).item()
    degrees = min(freedom, 1e6)
    critical = scipy.stats.t.ppf(0.975, degrees)
    assert scipy.stats.nct.sf(critical, degrees, found) == pytest.approx(0.8, abs=2e-3)
    if freedom > 5_000:
        assert found == pytest.approx(1.959964 + 0.841621, abs=1e-4)


def test_against_statsmodels() -> None:
    solved = TTestPower().solve_power(nobs=50, alpha=0.05, power=0.8, alternative="larger")
    found = detectable_difference(np.array([1.0 / 50]), np.array([49.0]), level=0.1)  # its other tail is 1e-7
    assert found.item() == pytest.approx(solved, rel=1e-4)


def test_so_many_more_questions_do(simulation: ModuleType) -> None:
    values = simulation.simulated(np.random.default_rng(3), {"a": 0.01, "b": 0.0}, 1, 50, 1)
    frame = comparisons([values], 100, 100)
    found = needs(frame).iloc[0]
    total = frame["questions"].item() + found["more_questions"]
    z = 1.959964 + 0.841621
    error = frame["standard_error"].item() * np.sqrt(frame["questions"].item() / total)
    assert abs(frame["difference"].item()) == pytest.approx(z * error, rel=0.01)
    assert np.isnan(found["more_seeds"])  # with one seed their spread is not known
    assert not found["seeds_dominate"]


def comparison(**changes: float | str) -> pd.DataFrame:
    """A row whose variance over questions is .0001 with 100 questions, and 4e-4 over 2 seeds of each."""
    usual = {
        "difference": 0.05, "questions": 100, "seeds_a": 2, "seeds_b": 2, "seed_spread": "known", "freedom": 2.5,
        "var_questions": 1e-4, "var_seeds_a": 4e-4, "var_seeds_b": 4e-4,
        "var_interaction_a": 0.0, "var_interaction_b": 0.0,
    }  # fmt: skip
    found = usual | changes
    total = found["var_questions"] + found["var_seeds_a"] + found["var_seeds_b"]
    return pd.DataFrame([{"standard_error": np.sqrt(total), **found}])


@pytest.mark.parametrize("interaction", [0.0, 4.9e-5])
def test_so_many_more_seeds_do(interaction: float) -> None:
    row = comparison(difference=0.035, var_interaction_a=interaction, var_interaction_b=interaction)
    found = needs(row.assign(standard_error=np.sqrt(9e-4 - 2 * interaction))).iloc[0]

    def enough(more: int) -> bool:
        """Seeds fall with 2 / (2 + more), questions only as far as they are of single seeds."""
        share = 2 / (2 + more)
        questions = 1e-4 - 2 * interaction * (1 - share)
        variance = questions + 2 * (4e-4 - interaction) * share
        freedom = variance**2 / (questions**2 / 99 + 2 * (4e-4 * share) ** 2 / (1 + more))
        reached = scipy.stats.t.ppf(0.975, freedom) + scipy.stats.t.ppf(0.8, freedom)
        return bool(reached * np.sqrt(variance) <= 0.035)

    more = int(found["more_seeds"])
    assert more > 1
    assert enough(more)
    assert not enough(more - 1)


def test_no_number_of_questions_does_where_seeds_dominate() -> None:
    found = needs(comparison()).iloc[0]
    assert found["seeds_dominate"]
    assert np.isnan(found["more_questions"])
    settled = needs(comparison(difference=0.5)).iloc[0]
    assert (settled["more_seeds"], settled["more_questions"]) == (0, 0)
    equal = needs(comparison(difference=0.0)).iloc[0]
    assert np.isnan([equal["more_seeds"], equal["more_questions"]]).all()
    hopeless = needs(comparison(difference=1e-4)).iloc[0]
    assert np.isnan(hopeless["more_seeds"])
    partly = needs(comparison(seed_spread="partly known")).iloc[0]
    assert np.isnan(partly["more_seeds"])
    assert partly["detectable"] > 0
