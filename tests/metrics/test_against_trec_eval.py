"""All ranked-list measures against trec_eval, on random graded runs from no ties to nothing but ties."""

from __future__ import annotations

import numpy as np
import pytest
import pytrec_eval

from hybridret.metrics.average_precision import average_precision
from hybridret.metrics.ndcg import ndcg
from hybridret.metrics.ranks import RankedRelevant, full_ranks
from hybridret.metrics.recall import recall
from hybridret.metrics.reciprocal_rank import reciprocal_rank
from hybridret.metrics.success import success

QUERIES, PASSAGES = 40, 300


def ids_and_tie_order(rng: np.random.Generator) -> tuple[list[str], np.ndarray]:
    ids = [
        f"{letter}{number}"
        for letter, number in zip(rng.choice(list("aBé文"), PASSAGES), rng.permutation(PASSAGES), strict=True)
    ]
    tie_order = np.empty(PASSAGES, dtype=np.int64)
    tie_order[sorted(range(PASSAGES), key=ids.__getitem__, reverse=True)] = np.arange(PASSAGES)
    return ids, tie_order


@pytest.mark.parametrize("distinct", [1, 2, 5, 40, 100_000])
@pytest.mark.parametrize("judged", [1, 11, 120])
def test_equal_to_trec_eval(distinct: int, judged: int) -> None:
    rng = np.random.default_rng(distinct * 1000 + judged)
    ids, tie_order = ids_and_tie_order(rng)
    scores = (rng.integers(0, distinct, (QUERIES, PASSAGES)) / 7).astype(np.float32)
    columns = np.concatenate([rng.permutation(PASSAGES)[:judged] for _ in range(QUERIES)])
    rows = np.repeat(np.arange(QUERIES), judged)
    grades = rng.integers(1, 4, len(rows))
    relevant = RankedRelevant.gather(rows, full_ranks(scores, rows, columns, tie_order), grades)

    qrels: dict[str, dict[str, int]] = {str(query): {} for query in range(QUERIES)}
    for row, column, grade in zip(rows.tolist(), columns.tolist(), grades.tolist(), strict=True):
        qrels[str(row)][ids[column]] = grade
    run = {str(query): dict(zip(ids, scores[query].tolist(), strict=True)) for query in range(QUERIES)}
    measures = {"map", "recip_rank", "ndcg_cut", "recall", "success"}
    expected = pytrec_eval.RelevanceEvaluator(qrels, measures).evaluate(run)
    mine = {
        "map": average_precision(relevant),
        "recip_rank": reciprocal_rank(relevant),
        **{f"ndcg_cut_{k}": ndcg(relevant, k) for k in (5, 10, 100)},
        **{f"recall_{k}": recall(relevant, k) for k in (5, 10, 100)},
        **{f"success_{k}": success(relevant, k) for k in (1, 5, 10)},
    }
    for name, values in mine.items():
        theirs = np.array([expected[str(query)][name] for query in range(QUERIES)])
        np.testing.assert_allclose(values, theirs, rtol=0, atol=1e-12, err_msg=name)


def test_mrr_is_cut() -> None:
    relevant = RankedRelevant.gather(np.array([0, 1, 2]), np.array([10, 11, 1]), np.ones(3, dtype=np.int64))
    assert reciprocal_rank(relevant, 10).tolist() == [0.1, 0.0, 1.0]
    assert reciprocal_rank(relevant).tolist() == [0.1, 1 / 11, 1.0]


def test_recall_divides_by_all_relevant_passages() -> None:
    relevant = RankedRelevant.gather(np.zeros(11, dtype=np.int64), np.arange(1, 12), np.ones(11, dtype=np.int64))
    assert recall(relevant, 10).tolist() == [10 / 11]
    assert average_precision(relevant).tolist() == [1.0]


def test_a_constant_scorer_gets_no_good_mrr() -> None:
    rng = np.random.default_rng(1)
    _, tie_order = ids_and_tie_order(rng)
    rows = np.arange(QUERIES)
    ranks = full_ranks(np.ones((QUERIES, PASSAGES), np.float32), rows, rng.integers(0, PASSAGES, QUERIES), tie_order)
    relevant = RankedRelevant.gather(rows, ranks, np.ones(QUERIES, dtype=np.int64))
    assert reciprocal_rank(relevant, 10).mean() < 0.1  # random: about 2.93 / 300
