from __future__ import annotations

import numpy as np

from hybridret.metrics.rank_distance import random_rank_distance, rank_distance
from hybridret.metrics.ranks import RankedRelevant


def relevant(ranks: list[list[int]]) -> RankedRelevant:
    labels = np.repeat(np.arange(len(ranks)), [len(row) for row in ranks])
    flat = np.concatenate([np.array(row, dtype=np.int64) for row in ranks])
    return RankedRelevant.gather(labels, flat, np.ones(len(flat), dtype=np.int64))


def test_hand_cases() -> None:
    perfect = list(range(1, 12))
    assert rank_distance(relevant([perfect, [5], [30, 2, 7], [13014, 1]])).tolist() == [10.0, 0.0, 28.0, 13013.0]


def test_a_perfect_block_anywhere_has_the_same_distance() -> None:
    assert rank_distance(relevant([list(range(500, 511))])).tolist() == [10.0]


def test_random_ranking_of_the_xquad_r_pool() -> None:
    pool, answers = 13014, 11
    rng = np.random.default_rng(0)
    drawn = [rng.choice(pool, answers, replace=False) + 1 for _ in range(3000)]
    got = rank_distance(relevant([row.tolist() for row in drawn])).mean()
    assert round(random_rank_distance(answers, pool)) == 10846
    assert abs(got - random_rank_distance(answers, pool)) < 4 * 1500 / np.sqrt(3000)


def test_no_query() -> None:
    none = np.zeros(0, dtype=np.int64)
    assert rank_distance(RankedRelevant.gather(none, none, none)).shape == (0,)
