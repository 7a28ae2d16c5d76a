from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import kruskal

from hybridret.metrics.hits import NOT_FOUND
from hybridret.metrics.peer import peer


def slow_peer(
    queries: np.ndarray,
    ranks: np.ndarray,
    grades: np.ndarray,
    languages: np.ndarray,
    weights: dict[int, float] | None,
) -> dict[int, float]:
    """One scipy test for each query and grade."""
    result = {}
    for query in np.unique(queries):
        weighted, total = 0.0, 0.0
        for grade in np.unique(grades[queries == query]):
            rows = (queries == query) & (grades == grade)
            groups = [ranks[rows & (languages == language)] for language in np.unique(languages[rows])]
            weight = 1.0 if weights is None else weights.get(int(grade), 0.0)
            if len(groups) >= 2 and min(map(len, groups)) >= 2 and weight:
                weighted += weight * kruskal(*groups).pvalue
                total += weight
        if total:
            result[int(query)] = weighted / total
    return result


@pytest.mark.parametrize("weights", [None, {1: 3.0, 2: 1.0}, {2: 1.0}])
def test_equal_to_scipy(weights: dict[int, float] | None) -> None:
    rng = np.random.default_rng(3)
    queries = np.repeat(np.arange(60), rng.integers(1, 30, 60))
    ranks = np.concatenate([rng.permutation(500)[:n] + 1 for n in np.bincount(queries)])
    grades, languages = rng.integers(1, 4, len(queries)), rng.integers(0, 3, len(queries))
    found, values = peer(queries, ranks, grades, languages, weights)
    expected = slow_peer(queries, ranks, grades, languages, weights)
    assert 5 < len(expected) < 60
    assert found.tolist() == list(expected)
    np.testing.assert_allclose(values, list(expected.values()), rtol=0, atol=1e-12)


def test_one_passage_per_language_has_no_peer() -> None:
    found, values = peer(np.zeros(11, dtype=np.int64), np.arange(1, 12), np.ones(11, dtype=np.int64), np.arange(11))
    assert len(found) == len(values) == 0


def test_sorted_by_language_is_less_fair_than_mixed() -> None:
    query, grade = np.zeros(8, dtype=np.int64), np.ones(8, dtype=np.int64)
    mixed = peer(query, np.arange(1, 9), grade, np.array([0, 1, 1, 0, 0, 1, 1, 0]))[1][0]
    split = peer(query, np.arange(1, 9), grade, np.array([0, 0, 0, 0, 1, 1, 1, 1]))[1][0]
    assert mixed == pytest.approx(1.0)
    assert split < 0.05


@pytest.mark.parametrize("missing", [1, 3, 5])
def test_what_is_no_hit_is_tied_behind_the_rest(missing: int) -> None:
    query, grade, languages = np.zeros(6, dtype=np.int64), np.ones(6, dtype=np.int64), np.array([0, 1, 0, 1, 1, 0])
    ranks = np.r_[np.arange(1, 7 - missing), np.full(missing, NOT_FOUND)]
    expected = kruskal(*(np.minimum(ranks, 99)[languages == one] for one in (0, 1))).pvalue
    assert peer(query, ranks, grade, languages)[1] == pytest.approx([expected], abs=1e-12)


def test_languages_without_any_hit_are_equal() -> None:
    query, grade = np.zeros(4, dtype=np.int64), np.ones(4, dtype=np.int64)
    assert peer(query, np.full(4, NOT_FOUND), grade, np.array([0, 0, 1, 1]))[1].tolist() == [1.0]


def test_no_judgments() -> None:
    none = np.zeros(0, dtype=np.int64)
    assert len(peer(none, none, none, none)[1]) == 0
