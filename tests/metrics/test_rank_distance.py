from __future__ import annotations

import numpy as np

from hybridret.metrics.hits import NOT_FOUND
from hybridret.metrics.rank_distance import random_rank_distance, rank_distance


def distances(ranks: list[list[int]], languages: list[list[int]] | None = None, pool: int = 13014) -> dict[int, float]:
    """By query; without `languages` every passage is in a language of its own."""
    flat = [(query, rank) for query, row in enumerate(ranks) for rank in row]
    spoken = [language for row in languages or [range(len(row)) for row in ranks] for language in row]
    order = np.random.default_rng(0).permutation(len(flat))
    queries, found = np.array(flat, dtype=np.int64).reshape(-1, 2)[order].T
    asked, values = rank_distance(queries, found, np.array(spoken, dtype=np.int64)[order], pool)
    return dict(zip(asked.tolist(), values.tolist(), strict=True))


def test_hand_cases() -> None:
    perfect = list(range(1, 12))
    assert distances([perfect, [5], [30, 2, 7], [13014, 1]]) == {0: 10.0, 2: 28.0, 3: 13013.0}


def test_a_language_counts_with_its_best_passage_and_one_language_has_no_distance() -> None:
    assert distances([[1, 9, 3, 200], [1, 500]], [[0, 0, 1, 1], [2, 2]]) == {0: 2.0}


def test_what_is_no_hit_stands_behind_the_pool() -> None:
    ranks = [[4, NOT_FOUND], [NOT_FOUND, NOT_FOUND], [4, NOT_FOUND, 6]]
    assert distances(ranks, [[0, 1], [0, 1], [0, 0, 1]], pool=100) == {0: 96.0, 1: 0.0, 2: 2.0}


def test_one_passage_a_language_is_worst_minus_best() -> None:
    """So on XQuAD-R, whose questions have one answer in each language, it is what it always was."""
    rng = np.random.default_rng(5)
    ranks = [(rng.permutation(13014)[:11] + 1).tolist() for _ in range(50)]
    assert distances(ranks) == {query: max(row) - min(row) for query, row in enumerate(ranks)}


def test_a_perfect_block_anywhere_has_the_same_distance() -> None:
    assert distances([list(range(500, 511))]) == {0: 10.0}


def test_random_ranking_of_the_xquad_r_pool() -> None:
    pool, answers = 13014, 11
    rng = np.random.default_rng(0)
    drawn = [rng.choice(pool, answers, replace=False) + 1 for _ in range(3000)]
    got = np.mean(list(distances([row.tolist() for row in drawn]).values()))
    assert round(random_rank_distance(answers, pool)) == 10846
    assert abs(got - random_rank_distance(answers, pool)) < 4 * 1500 / np.sqrt(3000)


def test_no_query() -> None:
    assert distances([]) == {}
