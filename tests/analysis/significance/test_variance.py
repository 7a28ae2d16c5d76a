"""Contributions of questions, variances by source and their intervals against loops and scipy."""

from __future__ import annotations

from types import ModuleType

import numpy as np
import pytest
import scipy.stats

from hybridret.analysis.question_values import QuestionValues
from hybridret.analysis.significance.difference import all_pairs, differences
from hybridret.analysis.significance.system_values import system_values
from hybridret.analysis.significance.variance import Spread, p_with_seeds, satterthwaite, spread, t_interval, t_p

PAIR = np.array([[0, 1]])


@pytest.fixture
def uneven(simulation: ModuleType) -> QuestionValues:
    """3, 1 and 2 seeds; 3 cells; one question in one cell only, one cell with one question."""
    random = np.random.default_rng(3)
    asked = random.random((12, 3)) < 0.7
    asked[0], asked[:, 2] = (True, False, False), False
    asked[5, 2] = True
    asked[1:, :2] |= ~asked[1:].any(axis=1)[:, None]
    values = {name: random.normal(0.5, 0.2, (seeds, 12, 3)) for name, seeds in {"a": 3, "b": 1, "c": 2}.items()}
    found: QuestionValues = simulation.values_of(values, asked)
    return found


def cell_means(values: QuestionValues, run: np.ndarray) -> list[float]:
    return [float(np.nanmean(run[:, c])) for c in range(len(values.cells))]


@pytest.mark.parametrize("by_cell", [False, True])
def test_sums_and_spread_against_loops(uneven: QuestionValues, by_cell: bool) -> None:
    found = system_values(uneven, by_cell)
    asked = uneven.asked
    targets = range(3) if by_cell else [None]
    for t, target in enumerate(targets):
        members = [c for c in range(3) if target is None or c == target]
        weight = 1.0 / len(members)
        own = [q for q in range(12) if any(asked[q, c] for c in members)]
        assert found.questions[t] == len(own)
        for s, name in enumerate(found.names):
            runs = uneven.of(name)
            totals, influences = [], []
            for run in runs:
                means = cell_means(uneven, run)
                totals.append(sum(weight * means[c] for c in members))
                influence = np.zeros(12)
                for q in own:
                    for c in members:
                        if asked[q, c]:
                            influence[q] += weight * (run[q, c] - means[c]) / asked[:, c].sum()
                influences.append(influence)
            assert found.mean[s, t] == pytest.approx(np.mean(totals))
            assert found.contributions[s, :, t].sum() == pytest.approx(np.mean(totals))
            center = np.mean(influences, axis=0)
            assert found.influence[s, :, t] == pytest.approx(center)
            if len(runs) == 1:
                assert np.isnan(found.seed_variance[s, t])
                continue
            assert found.seed_variance[s, t] == pytest.approx(np.var(totals, ddof=1) / len(runs))
            left = sum(float(((one - center) ** 2).sum()) for one in influences) / (len(runs) - 1) / len(runs)
            enlarged = len(own) / max(len(own) - 1, 1)
            assert found.interaction[s, t] == pytest.approx(left * enlarged)


def test_one_cell_and_one_seed_is_the_paired_t_test(simulation: ModuleType) -> None:
    values = simulation.simulated(np.random.default_rng(5), {"a": 0.02, "b": 0.0}, 1, 30, cells=1)
    a, b = values.values[:, :, 0]
    rival = scipy.stats.ttest_rel(a, b)
    systems = system_values(values)
    parts = spread(systems, PAIR)
    low, high = t_interval((a - b).mean(), parts.total, parts.freedom)
    assert parts.freedom.item() == pytest.approx(29)
    assert (low.item(), high.item()) == pytest.approx(tuple(rival.confidence_interval()))
    assert t_p((a - b).mean(), parts.total, parts.freedom).item() == pytest.approx(rival.pvalue)


def test_seeds_alone_are_welchs_test() -> None:
    """Where all questions have one value in a run, only seeds vary."""
    a, b = np.array([0.5, 0.6, 0.65]), np.array([0.3, 0.35])
    rival = scipy.stats.ttest_ind(a, b, equal_var=False)
    parts = (a.var(ddof=1, keepdims=True) / 3, np.array([2])), (b.var(ddof=1, keepdims=True) / 2, np.array([1]))
    total = parts[0][0] + parts[1][0]
    freedom = satterthwaite(total, *parts)
    assert freedom.item() == pytest.approx(rival.df)
    assert t_p(np.array([a.mean() - b.mean()]), total, freedom).item() == pytest.approx(rival.pvalue)


def parts_of(runs: tuple[int, int], questions: float, of_seeds: tuple[float, float], interaction: float) -> Spread:
    """One comparison of very many questions, so that t over questions is normal."""
    cell = [np.array([[one]]) for one in (questions, *of_seeds, interaction, 0.0)]
    return Spread(*cell, np.array([10**6]), np.array(runs[:1]), np.array(runs[1:]))


def test_the_interaction_is_counted_once() -> None:
    """It stands in the spread over questions and in that over seeds; a spread below it is chance, not negative."""
    parts = parts_of((3, 3), 0.01, (0.005, 0.002), 0.003)
    assert parts.of_seeds.item() == pytest.approx(0.002 + 0.002)
    assert parts.total.item() == pytest.approx(0.014)
    assert parts_of((3, 3), 0.01, (0.001, 0.0), 0.003).total.item() == pytest.approx(0.01)
    freedom = 0.014**2 / (0.01**2 / (10**6 - 1) + 0.005**2 / 2 + 0.002**2 / 2)
    assert parts.freedom.item() == pytest.approx(freedom)


@pytest.mark.parametrize("t", [0.5, 2.0, 6.0, 40.0])
def test_p_of_seeds_alone_is_that_of_t(t: float) -> None:
    """Equal numbers of seeds and nothing else that varies: the t test with 2 (S - 1) degrees of freedom."""
    for seeds in (2, 3, 5):
        found = p_with_seeds(np.array([[t * 0.1]]), parts_of((seeds, seeds), 0.0, (0.004, 0.006), 0.0)).item()
        assert found == pytest.approx(2 * scipy.stats.t.sf(t, 2 * (seeds - 1)), rel=0.05)
    single = p_with_seeds(np.array([[t * 0.1]]), parts_of((3, 1), 0.0, (0.01, 0.0), 0.0)).item()
    assert single == pytest.approx(2 * scipy.stats.t.sf(t, 2), rel=0.05)
    unequal = p_with_seeds(np.array([[t * 0.1]]), parts_of((5, 2), 0.0, (0.003, 0.007), 0.0)).item()
    freedom = (1 / 5 + 1 / 2) ** 2 / ((1 / 5) ** 2 / 4 + (1 / 2) ** 2 / 1)
    assert unequal == pytest.approx(2 * scipy.stats.t.sf(t, freedom), rel=0.05)


def test_p_of_seeds_and_questions_against_draws() -> None:
    """The mean over drawn spreads of seeds."""
    drawn = 0.02 * 4 / np.random.default_rng(0).chisquare(4, 400_000)
    for t in (1.0, 3.0, 6.0):
        error = np.sqrt(0.01 + np.maximum(drawn - 0.003, 0.0))
        expected = np.mean(2 * scipy.stats.norm.sf(t * 0.15 / error))
        found = p_with_seeds(np.array([[t * 0.15]]), parts_of((3, 3), 0.01, (0.01, 0.01), 0.003)).item()
        assert found == pytest.approx(expected, rel=0.05)
    assert p_with_seeds(np.array([[0.0]]), parts_of((3, 3), 0.0, (0.0, 0.0), 0.0)).item() == pytest.approx(1.0)


def test_sources_are_told_apart(simulation: ModuleType) -> None:
    """Mean over 400 simulations: the variances are those that were put in."""
    random = np.random.default_rng(8)
    found = []
    for _ in range(400):
        values = simulation.simulated(random, {"a": 0.0, "b": 0.0}, 3, 60, 1, of_seeds=0.03, interaction=0.2)
        parts = spread(system_values(values), PAIR)
        found.append([parts.questions.item(), (parts.seeds_a - parts.interaction_a).item(), parts.interaction_a.item()])
    noise = (0.2**2 + 0.05**2) / 3 / 60
    expected = [2 * 0.1**2 / 60 + 2 * noise, 0.03**2 / 3, noise]
    assert np.mean(found, axis=0) == pytest.approx(expected, rel=0.1)


def test_repeats_of_what_has_no_seed_say_nothing_of_seeds(simulation: ModuleType) -> None:
    random = np.random.default_rng(3)
    model = random.normal(0.05, 0.03, (3, 1, 1)) + random.normal(0, 0.05, (3, 40, 1))
    lexical = random.normal(0, 0.05, (1, 40, 1))
    found = [
        differences(
            system_values(simulation.values_of({"model": model, "bm25": np.repeat(lexical, times, axis=0)})), PAIR
        )
        for times in (1, 3)
    ]
    assert found[0].p_seeds.item() == pytest.approx(found[1].p_seeds.item(), rel=1e-9)
    assert found[0].low.item() == pytest.approx(found[1].low.item(), rel=1e-9)


def test_p_is_the_larger_of_questions_and_seeds(simulation: ModuleType) -> None:
    values = simulation.simulated(
        np.random.default_rng(1), {"a": 0.05, "b": 0.0, "c": 0.0}, {"a": 3, "b": 1, "c": 1}, of_seeds=0.2
    )
    found = differences(system_values(values), all_pairs(3), 500)
    assert found.p[:, 0] == pytest.approx(np.fmax(found.p_questions, found.p_seeds)[:, 0])
    assert np.isnan(found.p_seeds[:, 0]).tolist() == [False, False, True]
    assert (found.p_seeds[:2] > found.p_questions[:2]).all()


def test_nothing_varies() -> None:
    zero, one = np.zeros(1), np.ones(1)
    assert t_p(zero, zero, one) == 1.0
    assert t_p(one, zero, one) == 0.0
    assert np.isnan(t_interval(one, np.full(1, np.nan), one)[0])
