"""The hierarchical bootstrap against loops and scipy."""

from __future__ import annotations

from types import ModuleType

import numpy as np
import pytest
import scipy.stats

from hybridret.analysis.question_values import QuestionValues
from hybridret.analysis.significance.bootstrap import (
    _seed_weights,
    acceleration,
    bca_interval,
    question_counts,
    resampled_means,
)
from hybridret.analysis.significance.system_values import system_values

PAIR = np.array([[0, 1]])


def slow(values: QuestionValues, resamples: int, seed: int) -> np.ndarray:
    """One resample, configuration, run, cell and question at a time."""
    counts = np.concatenate(list(question_counts(len(values.questions), resamples, seed, resamples)))
    found = np.full((resamples, len(values.names)), np.nan)
    for i in range(resamples):
        for j, (members, weights) in enumerate(_seed_weights(values, resamples, seed)):
            total = 0.0
            for run, weight in zip(members, weights[i], strict=True):
                cells = []
                for c in range(len(values.cells)):
                    drawn = [
                        values.values[run, q, c]
                        for q in range(len(values.questions))
                        for _ in range(int(counts[i, q]))
                        if values.asked[q, c]
                    ]
                    cells += [np.mean(drawn)] if drawn else []
                total += weight * np.mean(cells)
            found[i, j] = total
    return found


@pytest.mark.parametrize("missing", [False, True])
def test_resamples_against_a_loop(missing: bool, simulation: ModuleType) -> None:
    random = np.random.default_rng(1)
    asked = random.random((9, 3)) < (0.6 if missing else 2)
    asked[:, 0] = True
    if missing:
        asked[1:, 2], asked[0, 2] = False, True  # a cell with one question: some resamples have none of it
    values = simulation.values_of({"a": random.random((3, 9, 3)), "b": random.random((1, 9, 3))}, asked)
    expected = slow(values, 40, 7)
    for memory in (1, 4_000, 2**20):
        assert resampled_means(values, 40, 7, memory) == pytest.approx(expected)


def test_seeds_and_questions_are_drawn_with_replacement(simulation: ModuleType) -> None:
    values = simulation.values_of({"a": np.zeros((3, 4, 1)), "b": np.zeros((1, 4, 1))})
    weights = dict(zip(values.names, (weights for _, weights in _seed_weights(values, 3_000, 0)), strict=True))
    assert (weights["b"] == 1).all()
    assert weights["a"].sum(axis=1) == pytest.approx(np.ones(3_000))
    assert ((weights["a"] == 1).any(axis=1)).mean() == pytest.approx(3 / 27, abs=0.02)
    counts = np.concatenate(list(question_counts(4, 3_000, 0, 100)))
    assert (counts.sum(axis=1) == 4).all()
    assert counts.mean(axis=0) == pytest.approx(np.ones(4), abs=0.07)
    assert counts.var(axis=0) == pytest.approx(np.full(4, 0.75), abs=0.1)


def test_bca_against_scipy(simulation: ModuleType) -> None:
    random = np.random.default_rng(2)
    skewed = random.exponential(0.2, (1, 40, 1))
    values = simulation.values_of({"a": skewed, "b": np.zeros((1, 40, 1))})
    means = resampled_means(values, 40_000, 3)
    observed = np.array([skewed.mean()])
    skewness = acceleration(system_values(values), PAIR)
    found = bca_interval(observed, means[:, :1] - means[:, 1:], skewness)
    rival = scipy.stats.bootstrap((skewed.ravel(),), np.mean, method="BCa", n_resamples=40_000, rng=1)
    ends = tuple(rival.confidence_interval)
    width = ends[1] - ends[0]
    assert (found[0].item(), found[1].item()) == pytest.approx(ends, abs=0.03 * width)
    plain = np.quantile(means[:, 0], [0.025, 0.975])
    assert abs(plain[1] - ends[1]) > 0.05 * width  # without the correction it would be noticed


def test_the_ends_are_those_of_the_formula() -> None:
    """Efron 1987, equation 2.3, by hand."""
    draws = np.random.default_rng(0).gamma(2.0, 1.0, (5_000, 1))
    observed, skewness = np.array([2.2]), np.array([0.07])
    bias = scipy.stats.norm.ppf((draws < 2.2).mean())
    expected = []
    for z in scipy.stats.norm.ppf([0.05, 0.95]):
        expected.append(np.quantile(draws, scipy.stats.norm.cdf(bias + (bias + z) / (1 - 0.07 * (bias + z)))))
    low, high = bca_interval(observed, draws, skewness, 0.1)
    assert (low.item(), high.item()) == pytest.approx(tuple(expected))


def test_nothing_varies_and_nothing_is_drawn() -> None:
    draws = np.stack([np.full(10, 0.5), np.full(10, np.nan), np.arange(10.0)], axis=1)
    low, high = bca_interval(np.array([0.5, 0.5, 99.0]), draws, np.zeros(3))
    assert low[0] == high[0] == 0.5
    assert np.isnan([low[1], low[2], high[1], high[2]]).all()
