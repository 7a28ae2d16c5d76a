"""Two one-sided tests against statsmodels, and their two conclusions."""

from __future__ import annotations

from dataclasses import replace
from types import ModuleType

import numpy as np
import pytest
from statsmodels.stats.weightstats import ttost_paired

from hybridret.analysis.significance.equivalence import equivalence


def test_one_seed_and_one_cell_against_statsmodels(simulation: ModuleType) -> None:
    values = simulation.simulated(np.random.default_rng(6), {"a": 0.02, "b": 0.0}, 1, 50, 1)
    a, b = values.values[:, :, 0]
    found = equivalence(values, "a", "b", 0.04)
    p, lower, upper = ttost_paired(a, b, -0.04, 0.04)
    assert (found.p, found.p_above, found.p_below) == pytest.approx((p, lower[1], upper[1]))


def test_the_interval_and_p_agree(simulation: ModuleType) -> None:
    random = np.random.default_rng(4)
    seen = set()
    for effect in np.linspace(-0.08, 0.08, 15):
        values = simulation.simulated(random, {"b": 0.0, "a": effect, "c": 0.5}, 2, 60, 2, of_seeds=0.005)
        found = equivalence(values, "a", "b", 0.05)
        assert found.equal == (found.p < 0.05)
        assert found.a_not_worse == (found.p_above < 0.05)
        worse = equivalence(replace(values, better=-1), "a", "b", 0.05)
        assert worse.a_not_worse == (found.p_below < 0.05)
        other = equivalence(values, "b", "a", 0.05)
        assert (other.p_above, other.low) == pytest.approx((found.p_below, -found.high))
        seen.add((found.equal, found.a_not_worse))
    assert seen == {(True, True), (False, True), (False, False)}


def test_equal_and_unequal_runs_that_do_not_vary(simulation: ModuleType) -> None:
    values = simulation.values_of({"a": np.full((1, 5, 1), 0.5), "b": np.full((1, 5, 1), 0.5)})
    assert equivalence(values, "a", "b", 0.01).equal
    assert equivalence(values, "a", "b", 0.01).p == 0.0
    apart = simulation.values_of({"a": np.full((1, 5, 1), 0.5), "b": np.full((1, 5, 1), 0.6)})
    assert equivalence(apart, "a", "b", 0.01).p == 1.0


def test_a_single_question_shows_nothing(simulation: ModuleType) -> None:
    values = simulation.values_of({"a": np.full((2, 1, 1), 0.5), "b": np.full((2, 1, 1), 0.5)})
    found = equivalence(values, "a", "b", 0.01)
    assert not found.equal
    assert not found.a_not_worse
    assert np.isnan(found.p)


def test_wrong_names_and_margins_are_refused(simulation: ModuleType) -> None:
    values = simulation.values_of({"a": np.zeros((1, 5, 1)), "b": np.zeros((1, 5, 1))})
    with pytest.raises(ValueError, match="above 0"):
        equivalence(values, "a", "b", 0.0)
    with pytest.raises(KeyError):
        equivalence(values, "a", "z", 0.1)
