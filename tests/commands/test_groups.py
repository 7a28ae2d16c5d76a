"""Collections of one group are ranked alike, and their mean stands beside them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from hybridret.base.progress import Quiet
from hybridret.base.records import Collection
from hybridret.base.settings import EvaluationSettings
from hybridret.pipelines.scoring import score
from hybridret.retrieval.bm25 import Bm25

SETTINGS = EvaluationSettings(
    8, ["monolingual"], [1], 0.05, 8, "fp32", full_ranks=5, depth=3, cache=None, cache_from=100, vectors="float32",
    trec=False, mteb=False,
)  # fmt: skip


def forum(name: str, passages: int) -> Collection:
    """Two questions; the first is answered by the first passage, the second by a passage that BM25 does not find."""
    zeros = np.zeros(passages, dtype=np.int64)
    texts = [f"word{number}" for number in range(passages)]
    two, ones = np.arange(2), np.ones(2, dtype=np.int64)
    return Collection(
        name, ("en",), ("q0", "q1"), ["word0", "other"], np.zeros(2, dtype=np.int64), two,
        tuple(f"p{number}" for number in range(passages)), texts, zeros, two, two, ones, group="all",
    )  # fmt: skip


def test_a_large_member_decides_for_all() -> None:
    macro = score(Bm25(), [forum("small", 4), forum("large", 9)], SETTINGS, Quiet()).evaluation.macro()
    assert macro["all/monolingual/map@3"] == (macro["small/monolingual/map@3"] + macro["large/monolingual/map@3"]) / 2
    assert macro["all/monolingual/map@3"] == 0.5
    assert not [key for key in macro if key.endswith("/map")]


def test_small_members_are_ranked_in_full() -> None:
    forums = [forum("a", 3), replace(forum("b", 4), group="all")]
    macro = score(Bm25(), forums, SETTINGS, Quiet()).evaluation.macro()
    assert "all/monolingual/map" in macro
