from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest
import pytrec_eval
from scipy.stats import kruskal

from hybridret.base.errors import UserError
from hybridret.base.progress import Quiet
from hybridret.base.records import Collection
from hybridret.base.settings import EvaluationSettings
from hybridret.evaluation import full_ranking
from hybridret.evaluation.evaluate import evaluate
from hybridret.metrics.entropy import sample_passages

Key = tuple[str, str, str, str, int, str]  # setting, query language, corpus language, metric, cutoff, query id


def slow_twin(collection: Collection, matrix: np.ndarray, settings: EvaluationSettings, seed: int) -> dict[Key, float]:
    """Every query of every setting alone: Python sorting, trec_eval, the definitions."""
    values: dict[Key, float] = {}
    qrels: dict[int, dict[int, int]] = {query: {} for query in range(len(collection.query_ids))}
    triples = zip(collection.relevant_queries, collection.relevant_passages, collection.grades, strict=True)
    for query, passage, grade in triples:
        qrels[int(query)][int(passage)] = int(grade)
    evaluator_measures = {"map", "ndcg_cut", "recall", "success", "recip_rank"}
    pools = [
        (i, name, np.flatnonzero(collection.passage_languages == i)) for i, name in enumerate(collection.languages)
    ]
    pools.append((-1, "all", np.arange(len(collection.passage_ids))))
    for language, corpus, pool in pools:
        sample = sample_passages(collection.passage_ids, pool, settings.entropy_sample, seed).tolist()
        for query, query_id in enumerate(collection.query_ids):
            judged = {p: grade for p, grade in qrels[query].items() if p in pool}
            if not judged:
                continue
            own = int(collection.query_languages[query])
            setting = "multilingual" if language < 0 else "monolingual" if language == own else "cross-lingual"
            key = (setting, collection.languages[own], corpus)
            ids = collection.passage_ids
            scores = matrix[query]
            # trec_eval: score descending, then id descending
            order = sorted(sorted(pool.tolist(), key=lambda p: ids[p], reverse=True), key=lambda p: -scores[p])
            rank = {p: position + 1 for position, p in enumerate(order)}
            run = {ids[p]: float(scores[p]) for p in pool}
            trec = pytrec_eval.RelevanceEvaluator({"q": {ids[p]: g for p, g in judged.items()}}, evaluator_measures)
            result = trec.evaluate({"q": run})["q"]
            values[(*key, "map", 0, query_id)] = result["map"]
            values[(*key, "mrr", 1, query_id)] = float(result["recip_rank"] == 1.0)
            values[(*key, "mrr", 10, query_id)] = result["recip_rank"] if result["success_10"] else 0.0
            values[(*key, "ndcg", 10, query_id)] = result["ndcg_cut_10"]
            values[(*key, "recall", 10, query_id)] = result["recall_10"]
            for cutoff in (1, 10):
                found = sum(rank[p] <= cutoff for p in judged)
                values[(*key, "capped_recall", cutoff, query_id)] = found / min(len(judged), cutoff)
            values[(*key, "success", 1, query_id)] = result["success_1"]
            values[(*key, "success", 10, query_id)] = result["success_10"]
            entropies = []
            for positive in judged:
                negatives = sum(math.exp(float(scores[p]) / 0.05) for p in sample if p not in judged)
                own_score = math.exp(float(scores[positive]) / 0.05)
                entropies.append(-math.log(own_score / (own_score + negatives)))
            values[(*key, "contrastive_entropy", 0, query_id)] = sum(entropies) / len(entropies)
            if language < 0:
                best: dict[int, int] = {}  # of each language
                for passage in judged:
                    spoken = int(collection.passage_languages[passage])
                    best[spoken] = min(rank[passage], best.get(spoken, len(pool)))
                if len(best) > 1:
                    values[(*key, "rank_distance", 0, query_id)] = max(best.values()) - min(best.values())
                    values[(*key, "awrf", 0, query_id)] = slow_awrf(collection, order, list(judged))
                p_values = []
                for grade in set(judged.values()):
                    groups: dict[int, list[int]] = {}
                    for passage, of in judged.items():
                        if of == grade:
                            groups.setdefault(int(collection.passage_languages[passage]), []).append(rank[passage])
                    if len(groups) > 1 and min(map(len, groups.values())) > 1:
                        p_values.append(kruskal(*groups.values()).pvalue)
                if p_values:
                    values[(*key, "peer", 0, query_id)] = sum(p_values) / len(p_values)
    return values


def slow_awrf(collection: Collection, order: list[int], judged: list[int]) -> float:
    size = len(collection.languages)
    exposure, target = np.zeros(size), np.zeros(size)
    for position, passage in enumerate(order[:20]):
        exposure[collection.passage_languages[passage]] += 1 / math.log2(position + 2)
    for passage in judged:
        target[collection.passage_languages[passage]] += 1
    p, q = exposure / exposure.sum(), target / target.sum()
    terms = [a * math.log2(2 * a / (a + b)) for x, y in ((p, q), (q, p)) for a, b in zip(x, y, strict=True) if a > 0]
    return 1 - sum(terms) / 2


def per_query(table: pd.DataFrame) -> dict[Key, float]:
    columns = ["setting", "query_language", "corpus_language", "metric", "cutoff", "query_id"]
    keys = zip(*(table[name].tolist() for name in columns), strict=True)
    result = dict(zip(keys, table["value"].tolist(), strict=True))
    assert len(result) == len(table)
    return result


def cosines(collection: Collection, seed: int, distinct: int) -> np.ndarray:
    shape = (len(collection.query_ids), len(collection.passage_ids))
    return (np.random.default_rng(seed).integers(-distinct, distinct + 1, shape) / distinct).astype(np.float32)


@pytest.mark.parametrize(("seed", "distinct"), [(0, 1), (1, 3), (2, 1000), (3, 4)])
def test_equal_to_the_slow_twin(
    make_collection: Callable[..., Collection],
    given: Any,
    settings: EvaluationSettings,
    monkeypatch: pytest.MonkeyPatch,
    seed: int,
    distinct: int,
) -> None:
    monkeypatch.setattr(full_ranking, "TILE", 170)  # three queries of 50 passages at a time
    collection = make_collection(seed, max_judged=5)
    matrix = cosines(collection, seed, distinct)
    retriever = given(matrix)
    got = per_query(evaluate(retriever, collection, settings, 11, Quiet()).queries)
    expected = slow_twin(collection, matrix, settings, 11)
    compared = {key: value for key, value in got.items() if (key[3], key[4]) not in {("ndcg", 1), ("recall", 1)}}
    assert compared.keys() == expected.keys()
    assert any(key[3] == "peer" for key in expected)
    for key, value in expected.items():
        assert compared[key] == pytest.approx(value, abs=1e-12), key
    assert retriever.indexed == [50]
    assert retriever.largest <= 170


def test_an_index_per_corpus_gives_the_same_without_entropy(
    make_collection: Callable[..., Collection], given: Any, settings: EvaluationSettings
) -> None:
    collection = make_collection(4)
    matrix = cosines(collection, 4, 5)
    shared = per_query(evaluate(given(matrix), collection, settings, 0, Quiet()).queries)
    lexical = given(matrix, cosine=False)
    separate = per_query(evaluate(lexical, collection, settings, 0, Quiet()).queries)
    assert len(lexical.indexed) == 4
    assert separate == {key: value for key, value in shared.items() if key[3] != "contrastive_entropy"}


@pytest.mark.parametrize(
    "chosen", [["monolingual"], ["cross-lingual"], ["multilingual"], ["multilingual", "monolingual"]]
)
def test_a_setting_alone_is_the_same_as_among_others(
    make_collection: Callable[..., Collection], given: Any, settings: EvaluationSettings, chosen: list[str]
) -> None:
    collection = make_collection(5)
    matrix = cosines(collection, 5, 50)
    every = per_query(evaluate(given(matrix), collection, settings, 0, Quiet()).queries)
    alone = evaluate(given(matrix), collection, replace(settings, settings=chosen), 0, Quiet())
    assert per_query(alone.queries) == {key: value for key, value in every.items() if key[0] in chosen}


def test_metrics_follow_from_the_queries(
    make_collection: Callable[..., Collection], given: Any, settings: EvaluationSettings
) -> None:
    collection = make_collection(6)
    result = evaluate(given(cosines(collection, 6, 30)), collection, settings, 0, Quiet())
    metrics = result.metrics.copy()
    metrics["cutoff"] = metrics["cutoff"].fillna(0).astype(int)
    key = ["setting", "metric", "cutoff"]
    grouped = result.queries.groupby([*key, "query_language", "corpus_language"], observed=True)["value"]
    means, medians, counts = grouped.mean(), grouped.median(), grouped.count()
    expected: dict[tuple[Any, ...], float] = {}
    for (setting, metric, cutoff, query, corpus), mean in means.items():  # type: ignore[misc]
        expected[setting, metric, cutoff, query, corpus] = mean
        if metric == "rank_distance":
            median = medians[setting, metric, cutoff, query, corpus]
            expected[setting, "rank_distance_median", 0, query, corpus] = median
            expected[setting, "rank_distance_share", 0, query, corpus] = mean / 50
    by_setting: dict[tuple[Any, ...], list[float]] = {}
    for (*group, _, _), value in expected.items():
        by_setting.setdefault(tuple(group), []).append(value)
    for group_key, values in by_setting.items():
        expected[(*group_key, "macro", "macro")] = sum(values) / len(values)
    got = metrics.set_index([*key, "query_language", "corpus_language"])
    assert set(got.index) == set(expected)
    for index, value in expected.items():
        assert got.loc[index, "value"] == pytest.approx(value, abs=1e-12), index
        if index in counts.index:
            assert got.loc[index, "num_queries"] == counts[index]


def test_macro_names(make_collection: Callable[..., Collection], given: Any, settings: EvaluationSettings) -> None:
    collection = make_collection(6)
    result = evaluate(given(cosines(collection, 6, 30)), collection, settings, 0, Quiet())
    macro = result.macro()
    assert {"toy/monolingual/map", "toy/cross-lingual/mrr@10", "toy/multilingual/rank_distance_median"} <= macro.keys()
    assert all(isinstance(value, float) and math.isfinite(value) for value in macro.values())
    pairs = result.metrics.query("setting == 'cross-lingual' and metric == 'map' and query_language != 'macro'")
    assert macro["toy/cross-lingual/map"] == pytest.approx(pairs["value"].mean(), abs=1e-12)


def parallel(languages: int, questions: int) -> Collection:
    """XQuAD-R in small: one answer to each question in each language."""
    names = ("ar", "de", "el", "en", "es", "hi", "ru", "th", "tr", "vi", "zh")[:languages]
    rows = [(question, language) for language in range(languages) for question in range(questions)]
    columns = np.array(rows).T
    relevant = [(q, language * questions + rows[q][0]) for q in range(len(rows)) for language in range(languages)]
    return Collection(
        name="parallel",
        languages=names,
        query_ids=tuple(f"{names[language]}-q{question}" for question, language in rows),
        queries=[""] * len(rows),
        query_languages=columns[1],
        questions=columns[0],
        passage_ids=tuple(f"{names[language]}-p{question}" for question, language in rows),
        passages=[""] * len(rows),
        passage_languages=columns[1],
        relevant_queries=np.array([q for q, _ in relevant]),
        relevant_passages=np.array([p for _, p in relevant]),
        grades=np.ones(len(relevant), dtype=np.int64),
    )


def test_a_perfect_retriever(given: Any, settings: EvaluationSettings) -> None:
    collection = parallel(11, 6)
    matrix = (collection.questions[:, None] == collection.questions[None, :]).astype(np.float32)
    macro = evaluate(given(matrix), collection, settings, 0, Quiet()).macro()
    for setting in ("monolingual", "cross-lingual"):
        assert macro[f"parallel/{setting}/map"] == 1.0
    assert macro["parallel/multilingual/map"] == pytest.approx(1.0)
    assert macro["parallel/multilingual/rank_distance"] == 10.0
    assert macro["parallel/multilingual/rank_distance_median"] == 10.0
    assert macro["parallel/multilingual/rank_distance_share"] == pytest.approx(10 / 66)
    assert macro["parallel/multilingual/recall@10"] == pytest.approx(10 / 11)
    assert "parallel/multilingual/peer" not in macro


def test_settings_of_the_paper(given: Any, settings: EvaluationSettings) -> None:
    collection = parallel(11, 2)
    metrics = evaluate(given(np.zeros((22, 22), np.float32)), collection, settings, 0, Quiet()).metrics
    maps = metrics[(metrics["metric"] == "map") & (metrics["query_language"] != "macro")]
    assert maps["setting"].value_counts().to_dict() == {"cross-lingual": 110, "monolingual": 11, "multilingual": 11}
    assert (maps["num_queries"] == 2).all()
    assert (maps.query("setting == 'multilingual'")["corpus_language"] == "all").all()


def test_a_constant_scorer_is_not_rewarded(given: Any, settings: EvaluationSettings) -> None:
    collection = parallel(2, 100)
    shuffled = np.random.default_rng(0).permutation(200)
    collection = replace(collection, passage_ids=tuple(f"p{i:03}" for i in shuffled))
    macro = evaluate(given(np.ones((200, 200), np.float32)), collection, settings, 0, Quiet()).macro()
    assert macro["parallel/monolingual/mrr@10"] == pytest.approx(sum(1 / rank for rank in range(1, 11)) / 100)
    assert macro["parallel/multilingual/mrr@10"] < 0.06


def test_passages_of_one_language_have_no_pool_of_several(given: Any, settings: EvaluationSettings) -> None:
    """Queries in two languages, passages in one: monolingual and cross-lingual rows say everything."""
    collection = parallel(2, 8)
    kept = collection.relevant_passages < 8
    collection = replace(
        collection,
        passage_ids=collection.passage_ids[:8],
        passages=collection.passages[:8],
        passage_languages=collection.passage_languages[:8],
        relevant_queries=collection.relevant_queries[kept],
        relevant_passages=collection.relevant_passages[kept],
        grades=collection.grades[kept],
    )
    result = evaluate(given(np.zeros((16, 8), np.float32)), collection, settings, 0, Quiet())
    assert set(result.queries["setting"]) == {"monolingual", "cross-lingual"}
    assert not set(result.metrics["metric"]) & {"rank_distance", "peer", "awrf"}


def test_one_language_has_no_cross_lingual_setting(
    make_collection: Callable[..., Collection], given: Any, settings: EvaluationSettings
) -> None:
    collection = make_collection(7, languages=1)
    result = evaluate(given(cosines(collection, 7, 9)), collection, settings, 0, Quiet())
    assert set(result.queries["setting"]) == {"monolingual"}  # the pool of all languages is the same corpus
    pooled = evaluate(
        given(cosines(collection, 7, 9)), collection, replace(settings, settings=["multilingual"]), 0, Quiet()
    )
    assert pooled.macro() == result.macro()
    assert not set(result.metrics["metric"]) & {"rank_distance", "peer", "awrf"}  # there is no bias between languages


def test_queries_without_an_answer_are_left_out_and_bad_ranks_score_zero(
    given: Any, settings: EvaluationSettings
) -> None:
    collection = parallel(2, 20)
    kept = ~((collection.relevant_queries == 3) & (collection.relevant_passages == 23))  # ar-q3 has no German answer
    collection = replace(
        collection,
        relevant_queries=collection.relevant_queries[kept],
        relevant_passages=collection.relevant_passages[kept],
        grades=collection.grades[kept],
    )
    matrix = np.ones((40, 40), np.float32)
    matrix[collection.relevant_queries, collection.relevant_passages] = -1
    result = evaluate(given(matrix), collection, settings, 0, Quiet())
    rows = result.metrics.query("setting == 'cross-lingual' and metric == 'mrr' and cutoff == 10")
    by_pair = rows.set_index(["query_language", "corpus_language"])
    assert by_pair.loc[("ar", "de"), "num_queries"] == 19
    assert by_pair.loc[("de", "ar"), "num_queries"] == 20
    assert (rows["value"] == 0).all()


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_scores_that_are_not_finite_name_the_query(given: Any, settings: EvaluationSettings, bad: float) -> None:
    collection = parallel(2, 5)
    matrix = np.zeros((10, 10), np.float32)
    matrix[7, 2] = bad
    with pytest.raises(UserError, match=r"parallel: the score of query 'de-q2' for passage 'ar-p2'"):
        evaluate(given(matrix), collection, settings, 0, Quiet())


def test_nothing_to_evaluate(given: Any, settings: EvaluationSettings) -> None:
    collection = parallel(1, 4)
    retriever = given(np.zeros((4, 4), np.float32))
    empty = np.zeros(0, dtype=np.int64)
    unjudged = replace(collection, relevant_queries=empty, relevant_passages=empty, grades=empty)
    with pytest.raises(UserError, match="parallel: nothing to evaluate"):
        evaluate(retriever, unjudged, settings, 0, Quiet())
    with pytest.raises(UserError, match="nothing to evaluate"):
        evaluate(retriever, collection, replace(settings, settings=["cross-lingual"]), 0, Quiet())


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"settings": ["multi-lingual"]}, "Did you mean 'multilingual'"),
        ({"cutoffs": [10, 0]}, r"evaluation\.cutoffs=\[10, 0\]: 0 must be at least 1"),
        ({"entropy_temperature": 0.0}, "entropy_temperature"),
        ({"entropy_sample": 0}, "entropy_sample"),
    ],
)
def test_bad_settings(given: Any, settings: EvaluationSettings, change: dict[str, Any], message: str) -> None:
    collection = parallel(2, 4)
    with pytest.raises(UserError, match=message):
        evaluate(given(np.zeros((8, 8), np.float32)), collection, replace(settings, **change), 0, Quiet())


def test_bad_judgments(given: Any, settings: EvaluationSettings) -> None:
    collection = parallel(1, 3)
    retriever = given(np.zeros((3, 3), np.float32))
    twice = replace(collection, relevant_queries=np.array([0, 1, 1]), relevant_passages=np.array([0, 1, 1]))
    with pytest.raises(UserError, match="'ar-q1' judges passage 'ar-p1' twice"):
        evaluate(retriever, twice, settings, 0, Quiet())
    with pytest.raises(UserError, match="grade 0"):
        evaluate(retriever, replace(collection, grades=np.array([1, 0, 1])), settings, 0, Quiet())


def test_random_scores_on_the_shape_of_xquad_r_have_the_expected_distance(
    given: Any, settings: EvaluationSettings
) -> None:
    collection = parallel(11, 40)
    matrix = np.random.default_rng(0).random((440, 440)).astype(np.float32)
    chosen = replace(settings, settings=["multilingual"])
    macro = evaluate(given(matrix), collection, chosen, 0, Quiet()).macro()
    assert macro["parallel/multilingual/rank_distance"] == pytest.approx(441 * 10 / 12, abs=10)
    assert macro["parallel/multilingual/rank_distance_share"] == pytest.approx(10 / 12, abs=0.03)
