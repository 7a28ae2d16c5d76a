"""The randomization test against loops, scipy, and enumeration."""

from __future__ import annotations

from itertools import product
from types import ModuleType

import numpy as np
import pytest
import scipy.stats

from hybridret.analysis.significance.randomization import _drawn_signs, randomization_test
from hybridret.analysis.significance.system_values import system_values

PAIR = np.array([[0, 1]])
THREE = np.array([[0, 1], [0, 2], [1, 2], [0, 3]])


def contributions(systems: int, questions: int, targets: int, seed: int = 0) -> np.ndarray:
    random = np.random.default_rng(seed)
    shift = np.arange(systems)[:, None, None] * 0.03
    return (random.normal(0, 0.2, (systems, questions, targets)) + shift) / questions


def slow(values: np.ndarray, pairs: np.ndarray, signs: list[np.ndarray], add: int) -> np.ndarray:
    found = np.zeros((len(pairs), values.shape[2]))
    for i, (a, b) in enumerate(pairs):
        for target in range(values.shape[2]):
            difference = values[a, :, target] - values[b, :, target]
            far = sum(
                abs(sum(s * d for s, d in zip(one, difference, strict=True))) >= abs(difference.sum()) - 1e-12
                for one in signs
            )
            found[i, target] = (far + add) / (len(signs) + add)
    return found


@pytest.mark.parametrize("pairs", [PAIR, THREE])
def test_every_sign_is_taken_where_there_are_few(pairs: np.ndarray) -> None:
    values = contributions(4, 7, 3)
    signs = [np.array(one) for one in product((-1.0, 1.0), repeat=7)]
    for memory in (1, 2**20):
        assert randomization_test(values, pairs, 128, memory=memory) == pytest.approx(slow(values, pairs, signs, 0))


@pytest.mark.parametrize("pairs", [PAIR, THREE, np.vstack([THREE, [[1, 3], [2, 3]]])])
def test_drawn_signs_against_a_loop(pairs: np.ndarray) -> None:
    values = contributions(4, 70, 3)
    signs = list(np.concatenate(list(_drawn_signs(70, 300, 5, 300))))
    expected = slow(values, pairs, signs, 1)
    assert ((expected > 0.01) & (expected < 0.9)).any()
    far = expected > 1 / 301  # elsewhere the bound of the tail is smaller
    for memory in (1, 20_000, 2**20):
        assert randomization_test(values, pairs, 300, 5, memory)[far] == pytest.approx(expected[far])


def test_signs_are_fair_and_do_not_depend_on_blocks() -> None:
    whole = np.concatenate(list(_drawn_signs(130, 2_000, 3, 2_000)))
    parts = np.concatenate(list(_drawn_signs(130, 2_000, 3, 7)))
    assert (whole == parts).all()
    assert set(np.unique(whole)) == {-1.0, 1.0}
    assert abs(whole.mean(axis=0)).max() < 4.5 / np.sqrt(2_000)
    correlation = np.corrcoef(whole.T) - np.eye(130)
    assert abs(correlation).max() < 5 / np.sqrt(2_000)


def test_against_scipy() -> None:
    values = contributions(2, 50, 1, seed=4)
    difference = (values[0] - values[1])[:, 0]
    rival = scipy.stats.permutation_test(
        (difference, np.zeros(50)), lambda x, y: (x - y).sum(), permutation_type="samples", n_resamples=20_000, rng=1
    )
    assert 0.01 < rival.pvalue < 0.9
    assert randomization_test(values, PAIR, 20_000)[0, 0] == pytest.approx(rival.pvalue, abs=0.015)
    few = values[:, :10]
    rival = scipy.stats.permutation_test(
        (few[0, :, 0], few[1, :, 0]), lambda x, y: (x - y).sum(), permutation_type="samples", n_resamples=np.inf
    )
    assert randomization_test(few, PAIR, 1024)[0, 0] == pytest.approx(rival.pvalue, rel=1e-12)


@pytest.mark.parametrize("questions", [1, 5, 300])
def test_equal_systems_give_1(questions: int) -> None:
    one = contributions(1, questions, 2)
    values = np.concatenate([one, one, one + 1.0, one])
    found = randomization_test(values, np.array([[0, 1], [1, 3], [0, 2], [2, 3], [0, 3]]), 200)
    assert (found[[0, 1, 4]] == 1.0).all()


def test_p_is_never_0_and_the_tail_is_bounded_from_above() -> None:
    clear = np.stack([np.full(400, 0.01), np.zeros(400)])[:, :, None]
    assert 0 < randomization_test(clear, PAIR, 100)[0, 0] == pytest.approx(2 * np.exp(-200))
    difference = np.linspace(0.5, 1.0, 18)  # all of one sign
    values = np.stack([difference, np.zeros(18)])[:, :, None]
    exact = randomization_test(values, PAIR, 2**18)[0, 0]
    assert exact == 2 / 2**18
    assert exact < randomization_test(values, PAIR, 1_000)[0, 0] < 1 / 1_001


def test_translations_of_a_question_have_one_sign(simulation: ModuleType) -> None:
    random = np.random.default_rng(2)
    ease = random.normal(0.02, 0.2, (1, 40, 1))
    copies = simulation.values_of({"a": np.repeat(ease, 11, axis=2), "b": np.zeros((1, 40, 11))})
    single = simulation.values_of({"a": ease, "b": np.zeros((1, 40, 1))})
    found, expected = (randomization_test(system_values(one).contributions, PAIR, 999) for one in (copies, single))
    assert found == pytest.approx(expected)
    assert expected[0, 0] > 0.05


def test_wrong_shapes_are_refused() -> None:
    with pytest.raises(ValueError, match="must be"):
        randomization_test(np.zeros((2, 3)), PAIR)
    with pytest.raises(ValueError, match="0 draws"):
        randomization_test(np.zeros((2, 3, 1)), PAIR, 0)
