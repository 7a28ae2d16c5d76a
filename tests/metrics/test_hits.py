"""Ranks of judged passages in hits, by a Python loop; and the measures on them against trec_eval."""

from __future__ import annotations

import numpy as np
import pytest
import pytrec_eval

from hybridret.base.records import Hits
from hybridret.metrics.average_precision import average_precision
from hybridret.metrics.capped_recall import capped_recall
from hybridret.metrics.hits import NOT_FOUND, drop_identical, ranks_in_hits
from hybridret.metrics.ndcg import ndcg
from hybridret.metrics.ranks import RankedRelevant, Values
from hybridret.metrics.recall import recall
from hybridret.metrics.reciprocal_rank import reciprocal_rank
from hybridret.metrics.success import success


def slow_ranks(hits: np.ndarray, rows: np.ndarray, passages: np.ndarray) -> list[int]:
    lists = hits.tolist()
    return [
        lists[row].index(passage) + 1 if passage in lists[row] else NOT_FOUND
        for row, passage in zip(rows.tolist(), passages.tolist(), strict=True)
    ]


def random_hits(rng: np.random.Generator, queries: int, k: int, pool: int) -> np.ndarray:
    """Rows of 0 to k different passages, -1 behind them."""
    hits = np.stack([rng.permutation(pool)[:k] for _ in range(queries)])
    return np.where(np.arange(k) < rng.integers(0, k + 1, queries)[:, None], hits, -1)


@pytest.mark.parametrize("judged", [1, 3, 40])
@pytest.mark.parametrize(
    ("block", "marks", "crowded"), [(1, 1, 1), (100, 16, 1000), (1000, 64, 30), (1 << 16, 1 << 16, 1 << 10)]
)
def test_equal_to_a_loop(judged: int, block: int, marks: int, crowded: int, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in (("BLOCK", block), ("MARKS", marks), ("CROWDED", crowded)):
        monkeypatch.setattr(f"hybridret.metrics.hits.{name}", value)
    rng = np.random.default_rng(judged)
    hits = random_hits(rng, queries=30, k=40, pool=90)
    # some queries without judgments, rows in any order
    rows = np.repeat(np.arange(30), rng.integers(0, 2 * judged, 30))
    passages = np.concatenate([rng.permutation(90)[:count] for count in np.bincount(rows, minlength=30)])
    order = rng.permutation(len(rows))
    rows, passages = rows[order], passages[order]
    expected = slow_ranks(hits, rows, passages)
    assert ranks_in_hits(hits, rows, passages, 90).tolist() == expected
    assert 0 < sum(rank == NOT_FOUND for rank in expected) < len(expected)


def test_the_end_of_the_hits_is_no_passage() -> None:
    hits = np.array([[3, -1, -1], [-1, -1, -1], [9, 0, 3]])
    rows, passages = np.array([0, 0, 1, 2, 2]), np.array([9, 3, 9, 3, 9])
    assert ranks_in_hits(hits, rows, passages, 10).tolist() == [NOT_FOUND, 1, NOT_FOUND, 3, 1]
    twice = ranks_in_hits(hits, np.array([2, 0, 2, 2]), np.array([0, 3, 9, 0]), 10)
    assert twice.tolist() == [2, 1, 1, 2]
    before = ranks_in_hits(hits, np.array([0, 1]), np.array([9, 9]), 10)  # -1 in row 1 is one less than (1, 0)
    assert before.tolist() == [NOT_FOUND, NOT_FOUND]


@pytest.mark.parametrize("shape", [(0, 5), (3, 0)])
def test_nothing_to_look_at(shape: tuple[int, int]) -> None:
    none = np.zeros(0, dtype=np.int64)
    assert ranks_in_hits(np.zeros(shape, dtype=np.int64), none, none, 5).shape == (0,)
    if shape[0]:
        assert ranks_in_hits(np.zeros(shape, dtype=np.int64), np.array([1]), np.array([2]), 5).tolist() == [NOT_FOUND]


@pytest.mark.parametrize(("rows", "passages"), [([3], [0]), ([-1], [0]), ([0], [5]), ([0], [-1])])
def test_a_judgment_out_of_range_is_an_error(rows: list[int], passages: list[int]) -> None:
    with pytest.raises(ValueError, match="judgment"):
        ranks_in_hits(np.zeros((3, 1), dtype=np.int64), np.array(rows), np.array(passages), 5)


def test_a_hit_outside_the_pool_is_an_error() -> None:
    with pytest.raises(ValueError, match="pool of 5"):
        ranks_in_hits(np.full((1, 1), 5), np.array([0]), np.array([0]), 5)


@pytest.mark.parametrize("keep", [None, 0, 1, 5, 6, 7, 20])
def test_identical_ids_are_dropped_as_by_a_loop(keep: int | None) -> None:
    rng = np.random.default_rng(0)
    hits = random_hits(rng, queries=40, k=7, pool=9)
    scores = np.where(hits >= 0, -np.sort(rng.random((40, 7))), -np.inf).astype(np.float32)
    same = rng.integers(-1, 9, 40)
    got = drop_identical(Hits(hits, scores), same, keep)
    width = 6 if keep is None else min(keep, 7)
    assert got.passages.shape == got.scores.shape == (40, width)
    dropped = 0
    for row in range(40):
        pairs = [
            (passage, score)
            for passage, score in zip(hits[row].tolist(), scores[row].tolist(), strict=True)
            if passage >= 0 and passage != same[row]
        ]
        dropped += len(pairs) < (hits[row] >= 0).sum()
        pairs = (pairs + [(-1, -np.inf)] * 7)[:width]
        assert list(zip(got.passages[row].tolist(), got.scores[row].tolist(), strict=True)) == pairs
    assert 5 < dropped < 35


def test_a_small_corpus_loses_no_hit_that_is_not_identical() -> None:
    hits = Hits(np.array([[0, 1, 2], [2, 1, 0]]), np.zeros((2, 3), np.float32))
    assert drop_identical(hits, np.array([-1, 1]), keep=10).passages.tolist() == [[0, 1, 2], [2, 0, -1]]


MEASURES = {
    "map": average_precision,
    **{f"map_cut_{k}": lambda r, k=k: average_precision(r, k) for k in (5, 10, 100)},
    **{f"ndcg_cut_{k}": lambda r, k=k: ndcg(r, k) for k in (5, 10, 100)},
    **{f"recall_{k}": lambda r, k=k: recall(r, k) for k in (10, 100)},
    **{f"success_{k}": lambda r, k=k: success(r, k) for k in (1, 5, 10)},
}


@pytest.mark.parametrize("distinct", [1, 2, 5, 40, 1 << 20])
@pytest.mark.parametrize("judged", [2, 12, 60])
def test_measures_of_hits_are_those_of_trec_eval(distinct: int, judged: int) -> None:
    rng = np.random.default_rng(distinct * 100 + judged)
    queries, pool, k = 50, 400, 150
    ids = [f"{letter}{i}" for letter, i in zip(rng.choice(list("aBé文"), pool), rng.permutation(pool), strict=True)]
    descending = np.argsort(np.array(sorted(range(pool), key=ids.__getitem__, reverse=True)))
    hits, run = np.full((queries, k), -1), {}
    for query in range(queries):
        # -0.0 and 0.0 are equal scores
        scores = ((rng.integers(0, distinct, pool) - distinct // 2) / 7).astype(np.float32)
        found = rng.permutation(pool)[: 0 if query % 10 == 0 else rng.integers(1, k + 1)]
        hits[query, : len(found)] = found[np.lexsort((descending[found], -scores[found]))]
        run[str(query)] = {ids[passage]: float(scores[passage]) for passage in found.tolist()}
    rows = np.repeat(np.arange(queries), rng.integers(1, judged, queries))
    passages = np.concatenate([rng.permutation(pool)[:count] for count in np.bincount(rows)])
    grades = rng.integers(1, 4, len(rows))
    qrels: dict[str, dict[str, int]] = {str(query): {} for query in range(queries)}
    for row, passage, grade in zip(rows.tolist(), passages.tolist(), grades.tolist(), strict=True):
        qrels[str(row)][ids[passage]] = grade

    relevant = RankedRelevant.gather(rows, ranks_in_hits(hits, rows, passages, pool), grades)
    families = {"map", "map_cut", "ndcg_cut", "recall", "success"}
    expected = pytrec_eval.RelevanceEvaluator(qrels, families).evaluate(run)
    for name, function in MEASURES.items():
        theirs = [expected[str(query)][name] if run[str(query)] else 0.0 for query in range(queries)]
        np.testing.assert_allclose(function(relevant), theirs, rtol=0, atol=1e-12, err_msg=name)
    for cutoff in (10, 100):
        np.testing.assert_allclose(reciprocal_rank(relevant, cutoff), cut_mrr(qrels, run, cutoff), rtol=0, atol=1e-12)


def cut_mrr(qrels: dict[str, dict[str, int]], run: dict[str, dict[str, float]], cutoff: int) -> list[float]:
    """trec_eval's recip_rank of runs cut by hand, in its own order."""
    top = {query: sorted(hits.items(), key=lambda hit: (hit[1], hit[0]), reverse=True) for query, hits in run.items()}
    cut = {query: dict(hits[:cutoff]) for query, hits in top.items()}
    values = pytrec_eval.RelevanceEvaluator(qrels, {"recip_rank"}).evaluate(cut)
    return [values[query]["recip_rank"] if hits else 0.0 for query, hits in run.items()]


def test_a_query_that_finds_nothing_has_exactly_zero() -> None:
    ranks = np.array([NOT_FOUND, NOT_FOUND, 2, NOT_FOUND])
    relevant = RankedRelevant.gather(np.array([0, 0, 1, 1]), ranks, np.array([1, 3, 2, 1]))
    values: list[Values] = [average_precision(relevant), average_precision(relevant, 10), ndcg(relevant, 1000)]
    values += [recall(relevant, 1000), capped_recall(relevant, 1000), success(relevant, 1000)]
    values += [reciprocal_rank(relevant, 1000), reciprocal_rank(relevant)]
    assert [value[0] for value in values] == [0.0] * len(values)
    assert average_precision(relevant).tolist() == [0.0, 0.25]


def test_average_precision_is_cut() -> None:
    relevant = RankedRelevant.gather(np.zeros(3, dtype=np.int64), np.array([1, 4, 11]), np.ones(3, dtype=np.int64))
    assert average_precision(relevant, 10).tolist() == [(1 + 2 / 4) / 3]
    assert average_precision(relevant, 3).tolist() == [1 / 3]
    assert average_precision(relevant, 11).tolist() == average_precision(relevant).tolist()


def test_capped_recall_divides_by_what_can_be_found() -> None:
    labels = np.repeat([0, 1], [11, 2])
    relevant = RankedRelevant.gather(labels, np.r_[np.arange(1, 12), [5, NOT_FOUND]], np.ones(13, dtype=np.int64))
    assert capped_recall(relevant, 10).tolist() == [1.0, 0.5]
    assert recall(relevant, 10).tolist() == [10 / 11, 0.5]
