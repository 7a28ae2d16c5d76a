"""What every metric says of a query with several relevant passages in a language, with one, and with none: the table in
docs/benchmarks.md, by hand."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from scipy.stats import kruskal

from hybridret.base.progress import Quiet
from hybridret.base.records import Collection, Unmet
from hybridret.base.settings import EvaluationSettings
from hybridret.evaluation.evaluate import evaluate
from hybridret.metrics.metric import CutMetric
from hybridret.metrics.registry import known_metrics

PASSAGES = ("e0", "e1", "e2", "d0", "d1", "d2")
SCORES = np.array([0.9, 0.7, 0.5, 0.8, 0.6, 0.4], dtype=np.float32)  # every ranking is e0, d0, e1, d1, e2, d2
RELEVANT = {
    "several": {"e0": 1, "e1": 1, "d0": 1, "d1": 1},
    "one each": {"e0": 1, "d1": 1},
    "one and several": {"e1": 1, "d0": 1, "d2": 1},
    "none in German": {"e0": 1, "e2": 1},
    "one in all": {"d1": 1},
    "none in the corpus": {},
}
QUERIES = tuple(RELEVANT)
#: which queries a metric has a value for, in English, in German and in the pool of both
CUT = [metric.name for metric in known_metrics() if isinstance(metric, CutMetric)]
ASKED: dict[str, tuple[set[str], set[str], set[str]]] = {
    "map": (
        {"several", "one each", "one and several", "none in German", "none in the corpus"},
        {"several", "one each", "one and several", "one in all"},
        set(QUERIES),
    ),
    "contrastive_entropy": (
        {"several", "one each", "one and several", "none in German"},
        {"several", "one each", "one and several", "one in all"},
        set(QUERIES) - {"none in the corpus"},
    ),
    "rank_distance": (set(), set(), {"several", "one each", "one and several"}),
    "awrf": (set(), set(), {"several", "one each", "one and several"}),
    "peer": (set(), set(), {"several"}),
}


@pytest.fixture
def collection() -> Collection:
    judged = [(query, PASSAGES.index(name)) for query, found in enumerate(RELEVANT.values()) for name in sorted(found)]
    lacking = QUERIES.index("none in the corpus")
    return Collection(
        name="toy",
        languages=("en", "de"),
        query_ids=QUERIES,
        queries=[""] * len(QUERIES),
        query_languages=np.zeros(len(QUERIES), dtype=np.int64),
        questions=np.arange(len(QUERIES)),
        passage_ids=PASSAGES,
        passages=[""] * len(PASSAGES),
        passage_languages=np.array([int(name[0] == "d") for name in PASSAGES]),
        relevant_queries=np.array([query for query, _ in judged]),
        relevant_passages=np.array([passage for _, passage in judged]),
        grades=np.ones(len(judged), dtype=np.int64),
        unmet=Unmet(np.array([lacking]), ["e9"], np.array([1]), np.array([0])),
    )


def test_every_metric_by_the_languages_of_what_is_relevant(
    collection: Collection, given: Any, settings: EvaluationSettings
) -> None:
    scores = np.tile(SCORES, (len(QUERIES), 1))
    found = evaluate(given(scores), collection, settings, 0, Quiet())
    table = found.queries
    assert set(table["metric"]) == {*ASKED, *CUT}  # no metric without a rule
    values: dict[tuple[str, str, str], float] = {}
    for metric in {*ASKED, *CUT}:
        for corpus, expected in zip(("en", "de", "all"), ASKED.get(metric, ASKED["map"]), strict=True):
            rows = table[(table["metric"] == metric) & (table["corpus_language"] == corpus)]
            rows = rows[rows["cutoff"].isin([0, 10])]
            assert set(rows["query_id"]) == expected, (metric, corpus)
            values |= {
                (metric, corpus, query): value for query, value in zip(rows["query_id"], rows["value"], strict=True)
            }
            macro = found.metrics[(found.metrics["metric"] == metric) & (found.metrics["corpus_language"] == corpus)]
            if len(expected):
                assert set(macro["num_queries"]) == {len(expected)}
    # several of a language are ranked together; in the pool those of all languages
    assert values["map", "en", "several"] == 1.0
    assert values["map", "en", "none in German"] == pytest.approx((1 + 2 / 3) / 2)
    assert values["map", "all", "none in German"] == pytest.approx((1 + 2 / 5) / 2)
    assert values["recall", "all", "none in the corpus"] == values["map", "en", "none in the corpus"] == 0.0
    # the best-ranked one stands for its language: d0 at 2 and e1 at 3; d2 at 6 says nothing
    assert values["rank_distance", "all", "one and several"] == 1.0
    assert values["rank_distance", "all", "one each"] == 3.0
    assert values["rank_distance", "all", "several"] == 1.0
    assert values["peer", "all", "several"] == pytest.approx(kruskal([1, 3], [2, 4]).pvalue)
    exposure = np.array([sum(1 / math.log2(rank + 1) for rank in ranks) for ranks in ((1, 3, 5), (2, 4, 6))])
    for query, target in (("several", [1 / 2, 1 / 2]), ("one and several", [1 / 3, 2 / 3])):
        p, q = exposure / exposure.sum(), np.array(target)
        middle = (p + q) / 2
        divergence = (np.sum(p * np.log2(p / middle)) + np.sum(q * np.log2(q / middle))) / 2
        assert values["awrf", "all", query] == pytest.approx(1 - divergence)
    # the mean over the positives, each against what is not relevant
    logits = scores[0].astype(float) / settings.entropy_temperature
    for positives, query in (((0, 1, 3, 4), "several"), ((4,), "one in all")):
        others = [logits[place] for place in range(len(PASSAGES)) if place not in positives]
        each = [np.logaddexp(logits[one], np.logaddexp.reduce(others)) - logits[one] for one in positives]
        assert values["contrastive_entropy", "all", query] == pytest.approx(np.mean(each))


def test_pools_that_are_searched_have_no_bias_of_whole_rankings(
    collection: Collection, given: Any, settings: EvaluationSettings
) -> None:
    scores = np.tile(SCORES, (len(QUERIES), 1))
    table = evaluate(given(scores), collection, replace(settings, full_ranks=0, depth=10), 0, Quiet()).queries
    assert set(table["metric"]) == {*ASKED, *CUT} - {"rank_distance", "peer"}
    rows = table[table["metric"] == "awrf"]
    assert set(rows["query_id"]) == ASKED["awrf"][2]
