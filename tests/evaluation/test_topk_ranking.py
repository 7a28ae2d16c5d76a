"""Evaluation from the best hits of a search against evaluation from full ranks, and BEIR's rule of identical ids."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest
import pytrec_eval

from hybridret.base.errors import UserError
from hybridret.base.progress import Quiet
from hybridret.base.records import Collection
from hybridret.base.settings import EvaluationSettings
from hybridret.evaluation import topk_ranking
from hybridret.evaluation.evaluate import evaluate, is_searched

FULL_ONLY = {"rank_distance", "rank_distance_median", "rank_distance_share", "peer"}


def side_by_side(collection: Collection) -> Collection:
    """The same with the passages of each language side by side."""
    order = np.argsort(collection.passage_languages, kind="stable")
    position = np.argsort(order)
    return replace(
        collection,
        passage_ids=tuple(collection.passage_ids[i] for i in order),
        passage_languages=collection.passage_languages[order],
        relevant_passages=position[collection.relevant_passages],
    )


def scores(collection: Collection, seed: int, distinct: int = 4) -> np.ndarray:
    shape = (len(collection.query_ids), len(collection.passage_ids))
    return (np.random.default_rng(seed).integers(-distinct, distinct + 1, shape) / distinct).astype(np.float32)


def table(queries: pd.DataFrame) -> dict[tuple[Any, ...], float]:
    columns = ["setting", "query_language", "corpus_language", "metric", "cutoff", "query_id"]
    return dict(
        zip(zip(*(queries[name].tolist() for name in columns), strict=True), queries["value"].tolist(), strict=True)
    )


@pytest.mark.parametrize("seed", range(4))
def test_hits_of_the_whole_pool_give_what_full_ranks_give(
    make_collection: Callable[..., Collection],
    given: Any,
    settings: EvaluationSettings,
    monkeypatch: pytest.MonkeyPatch,
    seed: int,
) -> None:
    monkeypatch.setattr(topk_ranking, "QUERIES", 3)
    collection = side_by_side(make_collection(seed, max_judged=5))
    matrix = scores(collection, seed)
    full = table(evaluate(given(matrix), collection, settings, 7, Quiet()).queries)
    retriever = given(matrix)
    top = table(evaluate(retriever, collection, replace(settings, full_ranks=0), 7, Quiet()).queries)
    assert retriever.searched
    assert not retriever.indexed
    expected = {
        (*key[:3], key[3], 1000 if key[3] == "map" else key[4], key[5]): value
        for key, value in full.items()
        if key[3] not in FULL_ONLY
    }
    assert top.keys() == expected.keys()
    for key, value in expected.items():
        assert top[key] == pytest.approx(value, abs=1e-12), key


def test_what_lies_beyond_the_depth_is_not_found(
    make_collection: Callable[..., Collection], given: Any, settings: EvaluationSettings
) -> None:
    collection = side_by_side(make_collection(2, max_judged=5))
    matrix = scores(collection, 2, 1000)
    shallow = replace(settings, full_ranks=0, depth=10, settings=["multilingual"])
    got = evaluate(given(matrix), collection, shallow, 7, Quiet())
    judged: dict[str, dict[str, int]] = {}
    for query, passage, grade in zip(
        collection.relevant_queries, collection.relevant_passages, collection.grades, strict=True
    ):
        judged.setdefault(collection.query_ids[query], {})[collection.passage_ids[passage]] = int(grade)
    run = {
        query: {
            collection.passage_ids[p]: float(row[p])
            for p in sorted(range(len(row)), key=lambda p: (-row[p], collection.tie_order[p]))[:10]
        }
        for query, row in zip(collection.query_ids, matrix, strict=True)
    }
    trec = pytrec_eval.RelevanceEvaluator(judged, {"map", "ndcg_cut_10", "recall_10"}).evaluate(run)
    values = {(key[3], key[4], key[5]): value for key, value in table(got.queries).items()}
    for query in judged:
        assert values["map", 10, query] == pytest.approx(trec[query]["map"], abs=1e-12)
        assert values["ndcg", 10, query] == pytest.approx(trec[query]["ndcg_cut_10"], abs=1e-12)
        assert values["recall", 10, query] == pytest.approx(trec[query]["recall_10"], abs=1e-12)
    assert not FULL_ONLY & set(got.metrics["metric"])


def test_a_retriever_that_finds_little_scores_what_it_found(
    make_collection: Callable[..., Collection], given: Any, settings: EvaluationSettings
) -> None:
    collection = side_by_side(make_collection(3))
    nothing = given(scores(collection, 3), cosine=False, only_above=2.0)
    found = evaluate(nothing, collection, replace(settings, full_ranks=0), 7, Quiet())
    assert set(found.metrics["value"]) == {0.0}


@pytest.mark.parametrize("full_ranks", [0, 200_000])
def test_the_passage_with_the_id_of_the_query_is_no_hit(
    make_collection: Callable[..., Collection], given: Any, settings: EvaluationSettings, full_ranks: int
) -> None:
    """What pytrec_eval gives for a run without those passages, as BEIR evaluates arguana and quora."""
    plain = side_by_side(make_collection(5, max_judged=5))
    ids = list(plain.passage_ids)
    for query, place in enumerate(plain.relevant_passages[:: len(plain.relevant_passages) // 4]):
        ids[place] = plain.query_ids[query]  # some of these are relevant to that very query, some are not
    own = int(plain.relevant_passages[plain.relevant_queries == 6][0])
    ids[own] = plain.query_ids[6]
    collection = replace(plain, passage_ids=tuple(ids), drop_identical=True)
    matrix = scores(collection, 5)
    options = replace(settings, settings=["multilingual"], full_ranks=full_ranks, depth=len(ids))
    got = table(evaluate(given(matrix), collection, options, 7, Quiet()).queries)
    values = {(key[3], key[5]): value for key, value in got.items() if key[4] in (0, 10, len(ids))}
    judged: dict[str, dict[str, int]] = {}
    for query, passage, grade in zip(
        collection.relevant_queries, collection.relevant_passages, collection.grades, strict=True
    ):
        judged.setdefault(collection.query_ids[query], {})[ids[passage]] = int(grade)
    run = {
        query: {ids[p]: float(score) for p, score in enumerate(row) if ids[p] != query}
        for query, row in zip(collection.query_ids, matrix, strict=True)
    }
    trec = pytrec_eval.RelevanceEvaluator(judged, {"map", "ndcg_cut_10", "recall_10", "recip_rank"}).evaluate(run)
    assert any(query in found for query, found in judged.items())
    for query in judged:
        assert values["map", query] == pytest.approx(trec[query]["map"], abs=1e-12)
        assert values["ndcg", query] == pytest.approx(trec[query]["ndcg_cut_10"], abs=1e-12)
        assert values["recall", query] == pytest.approx(trec[query]["recall_10"], abs=1e-12)


def test_the_largest_pool_that_is_needed_decides(
    make_collection: Callable[..., Collection], settings: EvaluationSettings
) -> None:
    collection = make_collection(1)
    own = int(np.bincount(collection.passage_languages).max())
    alone = replace(settings, settings=["monolingual"])
    assert not is_searched(collection, replace(alone, full_ranks=own))
    assert is_searched(collection, replace(alone, full_ranks=own - 1))
    assert is_searched(collection, replace(settings, full_ranks=49))
    assert not is_searched(replace(collection, settings=("monolingual",)), replace(settings, full_ranks=own))


def test_languages_that_are_mixed_up_cannot_be_searched(
    make_collection: Callable[..., Collection], given: Any, settings: EvaluationSettings
) -> None:
    collection = make_collection(1)
    with pytest.raises(UserError, match=r"side by side.*evaluation\.full_ranks above 50"):
        evaluate(given(scores(collection, 1)), collection, replace(settings, full_ranks=0), 7, Quiet())


def test_a_cutoff_beyond_the_depth(
    make_collection: Callable[..., Collection], given: Any, settings: EvaluationSettings
) -> None:
    collection = make_collection(1)
    with pytest.raises(UserError, match=r"evaluation\.depth=5 is below the cutoff 10"):
        evaluate(given(scores(collection, 1)), collection, replace(settings, depth=5), 7, Quiet())
