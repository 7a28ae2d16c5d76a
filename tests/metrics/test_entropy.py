from __future__ import annotations

import math

import numpy as np
import pytest

from hybridret.metrics.entropy import contrastive_entropy, sample_passages


def test_against_the_definition() -> None:
    rng = np.random.default_rng(0)
    scores = rng.uniform(-1, 1, (5, 12)).astype(np.float32)
    sample = np.array([1, 3, 4, 8, 11])
    positives = [(0, 3), (0, 8), (1, 0), (3, 4), (4, 10)]
    rows, columns = np.array(positives).T
    excluded = np.array([[(row, column) in positives for column in sample] for row in range(5)])
    got = contrastive_entropy(scores[:, sample], excluded, rows, scores[rows, columns], 0.05)
    for value, (row, column) in zip(got, positives, strict=True):
        own = math.exp(float(scores[row, column]) / 0.05)
        others = sum(math.exp(float(scores[row, c]) / 0.05) for c in sample.tolist() if (row, c) not in positives)
        assert value == pytest.approx(-math.log(own / (own + others)), abs=1e-12)


def test_no_signal_gives_the_log_of_the_sample_and_the_positive() -> None:
    got = contrastive_entropy(
        np.zeros((1, 256), np.float32), np.zeros((1, 256), bool), np.zeros(1, int), np.zeros(1, np.float32), 0.05
    )
    assert got[0] == pytest.approx(math.log(257))


def test_nothing_to_compare_with_is_zero() -> None:
    ones = np.ones((1, 2), np.float32)
    assert contrastive_entropy(ones, np.ones((1, 2), bool), np.zeros(1, int), ones[0, :1], 0.05).tolist() == [0.0]


def test_the_sample_does_not_depend_on_the_order_of_the_corpus() -> None:
    rng = np.random.default_rng(1)
    ids = [f"p{number}" for number in range(2000)]
    drawn = {ids[i] for i in sample_passages(ids, np.arange(2000), 256, 7).tolist()}
    shuffled = rng.permutation(ids).tolist()
    assert len(drawn) == 256
    assert {shuffled[i] for i in sample_passages(shuffled, np.arange(2000), 256, 7).tolist()} == drawn
    other = {ids[i] for i in sample_passages(ids, np.arange(2000), 256, 8).tolist()}
    assert 5 < len(drawn & other) < 80  # 32.8 expected of independent samples


def test_a_small_pool_is_taken_whole() -> None:
    assert sample_passages(["a", "b", "c"], np.array([2, 0]), 256, 0).tolist() == [0, 2]
