"""The mean over the collections of one set against the mean by hand."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from hybridret.base.progress import Quiet
from hybridret.base.records import Collection
from hybridret.base.settings import EvaluationSettings
from hybridret.evaluation.average import average
from hybridret.evaluation.evaluate import evaluate
from hybridret.evaluation.tables import Evaluation


def test_forums_count_the_same_whatever_their_size(
    make_collection: Callable[..., Collection], given: Any, settings: EvaluationSettings
) -> None:
    members = []
    for seed in (1, 2, 3):
        collection = replace(make_collection(seed), name=f"forum{seed}")
        scores = np.random.default_rng(seed).random((len(collection.query_ids), 50), dtype=np.float32)
        members.append(evaluate(given(scores), collection, settings, 0, Quiet()))
    whole = average("forums", members)
    assert whole.metrics.columns.tolist() == members[0].metrics.columns.tolist()
    assert set(whole.metrics["dataset"]) == {"forums"}
    macro = [member.macro() for member in members]
    values = whole.macro()
    assert values["forums/monolingual/ndcg@10"] == pytest.approx(
        sum(one[f"forum{seed}/monolingual/ndcg@10"] for seed, one in zip((1, 2, 3), macro, strict=True)) / 3
    )
    joined = Evaluation.join([*members, whole])
    assert set(joined.metrics["dataset"]) == {"forum1", "forum2", "forum3", "forums"}
    counted = joined.metrics[joined.metrics["metric"] == "map"].set_index(["dataset", "setting", "query_language"])
    one = ("monolingual", "macro")
    assert counted.loc[("forums", *one), "num_queries"] == sum(
        counted.loc[(f"forum{seed}", *one), "num_queries"] for seed in (1, 2, 3)
    )


def test_what_a_member_lacks_is_not_averaged(
    make_collection: Callable[..., Collection], given: Any, settings: EvaluationSettings
) -> None:
    collection = make_collection(1)
    scores = np.random.default_rng(1).random((len(collection.query_ids), 50), dtype=np.float32)
    both = [
        evaluate(given(scores, cosine=cosine), replace(collection, name=str(cosine)), settings, 0, Quiet())
        for cosine in (True, False)
    ]
    assert "contrastive_entropy" in set(both[0].metrics["metric"])
    assert "contrastive_entropy" not in set(average("both", both).metrics["metric"])
