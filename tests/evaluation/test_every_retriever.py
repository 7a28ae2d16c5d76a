"""Every metric of every retriever in pools of a few passages, against trec_eval on the files that are exported and
against plain definitions on the run that they hold."""

from __future__ import annotations

import gzip
import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import pytrec_eval
import torch
from scipy.stats import kruskal
from torch import Tensor, nn

from hybridret.base.errors import UserError
from hybridret.base.progress import Quiet
from hybridret.base.records import Collection
from hybridret.base.settings import EvaluationSettings
from hybridret.config.entry import config_folder
from hybridret.evaluation.evaluate import evaluate
from hybridret.pipelines.scoring import score
from hybridret.pipelines.trec_export import write_trec
from hybridret.retrieval.bm25 import METHODS, Bm25
from hybridret.retrieval.dense import Dense
from hybridret.retrieval.indexes.faiss_flat import FaissFlat
from hybridret.retrieval.indexes.faiss_hnsw import FaissHnsw
from hybridret.retrieval.indexes.faiss_ivfpq import FaissIvfPq
from hybridret.retrieval.protocols import Retriever

pytest.importorskip("bm25s")
pytest.importorskip("faiss")

LANGUAGES = ("en", "de")
NAMES = {"ndcg": "ndcg_cut", "recall": "recall", "success": "success"}


class Letters(nn.Module):
    """A random encoder: the direction of a text is the sum of vectors of its letters."""

    dimension = 8

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.tokenization = self
        self.embedding = nn.Embedding(128, self.dimension)

    def queries(self, texts: Sequence[str]) -> list[np.ndarray]:
        return [np.array([1, *map(ord, text)], dtype=np.int32) for text in texts]

    def passages(self, texts: Sequence[str], contexts: Sequence[str] | None = None) -> list[np.ndarray]:
        return self.queries(texts)

    def pad(self, rows: Sequence[np.ndarray], length: int | None = None) -> tuple[Tensor, Tensor]:
        ids = np.zeros((len(rows), length or max(map(len, rows))), np.int64)
        for place, row in enumerate(rows):
            ids[place, : len(row)] = row
        return torch.from_numpy(ids), torch.from_numpy((ids > 0).astype(np.int64))

    def forward(self, input_ids: Tensor, attention_mask: Tensor) -> Tensor:
        return nn.functional.normalize((self.embedding(input_ids) * attention_mask[..., None]).sum(1), dim=-1)


BM25 = [f"bm25 {method}" for method in ("lucene", "robertson", "atire", "bm25l", "bm25+")]
RETRIEVERS: dict[str, Callable[[], Retriever]] = {
    **{name: partial(Bm25, method=name.removeprefix("bm25 ")) for name in BM25},
    "bm25 numpy": lambda: Bm25(backend="numpy"),
    "bm25 stems": lambda: Bm25(stemmer=True, stopwords=True),
    "exact": lambda: Dense(Letters(), 4),
    "faiss_flat": lambda: Dense(Letters(), 4, index=FaissFlat()),
    "faiss_hnsw": lambda: Dense(Letters(), 4, index=FaissHnsw(4, 16, 32, 2)),
    "faiss_ivfpq": lambda: Dense(Letters(), 4, index=FaissIvfPq(1, 2, 1, 1, 78, 2)),
}
FULL = ("bm25 lucene", "bm25 bm25+", "bm25 stems", "exact")  # an index is not asked where ranks are full
POOLS = [1, 2, 19, 20, 21]


def drawn(pool: int, identical: bool, seed: int) -> Collection:
    """Passages of few words, some of none, half of them German; queries with relevant passages in one or both
    languages, one whose words no passage has; every third passage has the id of a query."""
    random = np.random.default_rng(seed)
    texts = [" ".join(f"w{i}" for i in random.integers(0, 8, random.integers(0, 5))) for _ in range(pool)]
    queries = 12
    judged = sorted(
        {(query, int(passage)) for query in range(queries) for passage in random.integers(0, pool, 1 + query)}
    )
    return Collection(
        name="drawn",
        languages=LANGUAGES,
        query_ids=tuple(f"q{i}" for i in range(queries)),
        queries=[
            " ".join(f"w{i}" for i in random.integers(0, 8, 2)) if query < 11 else "unheard" for query in range(12)
        ],
        query_languages=np.arange(queries) % 2,
        questions=np.arange(queries),
        passage_ids=tuple(
            f"q{i // 3 % queries}" if identical and i % 3 == 0 and i < 3 * queries else f"p{i}"
            for i in random.permutation(pool)
        ),
        passages=texts,
        passage_languages=(np.arange(pool) >= pool - pool // 2).astype(np.int64),
        relevant_queries=np.array([query for query, _ in judged]),
        relevant_passages=np.array([passage for _, passage in judged]),
        grades=random.integers(1, 3, len(judged)),
        drop_identical=identical,
    )


def run_of(path: Path) -> dict[str, dict[str, float]]:
    with gzip.open(path, "rt", encoding="utf-8") as file:
        found: dict[str, dict[str, float]] = pytrec_eval.parse_run(file)
    return found


def test_every_index_and_every_bm25_is_among_them() -> None:
    assert {path.stem for path in (Path(config_folder()) / "index").glob("*.yaml")} <= {*RETRIEVERS}
    assert {f"bm25 {method}" for method in METHODS} == {*BM25}


@pytest.mark.parametrize("identical", [False, True])
@pytest.mark.parametrize("pool", POOLS)
@pytest.mark.parametrize(("name", "full_ranks"), [*((name, 0) for name in RETRIEVERS), *((name, 100) for name in FULL)])
def test_every_metric_is_what_the_exported_run_gives(
    settings: EvaluationSettings, tmp_path: Path, name: str, full_ranks: int, pool: int, identical: bool
) -> None:
    collection = drawn(pool, identical, seed=pool)
    asked = replace(settings, full_ranks=full_ranks, depth=max(10, pool))
    retriever = RETRIEVERS[name]()
    if name == "faiss_ivfpq":  # learns from 78 passages at least, and says so
        with pytest.raises(UserError, match=r"IVF-PQ .* passages"):
            evaluate(retriever, collection, asked, 7, Quiet())
        return
    table = evaluate(retriever, collection, asked, 7, Quiet()).queries
    write_trec(retriever, collection, asked, tmp_path, Quiet())
    assert np.isfinite(table["value"]).all()
    compared: set[str] = set()
    runs: dict[str, dict[str, dict[str, float]]] = {}
    judged: dict[str, dict[str, dict[str, int]]] = {}
    for corpus in {*table["corpus_language"]}:
        runs[corpus] = run_of(tmp_path / f"drawn.{corpus}.run.gz")
        judged[corpus] = {}
        for query, passage, grade in zip(
            collection.relevant_queries, collection.relevant_passages, collection.grades, strict=True
        ):
            if corpus in ("all", LANGUAGES[collection.passage_languages[passage]]):
                judged[corpus].setdefault(f"q{query}", {})[collection.passage_ids[passage]] = int(grade)
    for corpus, group in table.groupby("corpus_language", observed=True):
        measures = {"map", "ndcg_cut.1,10", "recall.1,10", "success.1,10", "recip_rank"}
        run = {query: runs[corpus].get(query, {}) for query in judged[corpus]}
        trec = pytrec_eval.RelevanceEvaluator(judged[corpus], measures).evaluate(run)
        for row in group.itertuples():
            if row.metric == "contrastive_entropy":
                continue
            query = row.query_id
            expected = definition(collection, row, run[query], judged[corpus][query], trec[query])
            assert row.value == pytest.approx(expected, abs=1e-12), (row.metric, row.cutoff, query, corpus)
            compared.add(row.metric)
    assert compared >= {"map", "mrr", "ndcg", "recall", "capped_recall", "success"}
    if pool >= 19:
        assert "awrf" in compared
        assert full_ranks == 0 or {"rank_distance", "peer"} <= compared


def test_a_run_that_is_cut_says_so(settings: EvaluationSettings, tmp_path: Path) -> None:
    """Where metrics are from full ranks and the run files are not, trec_eval's map of the files is that of `map@10`."""
    collection = drawn(60, False, seed=1)
    full = score(Dense(Letters(), 4), [collection], replace(settings, depth=10), Quiet(), tmp_path)
    assert "the best 10 passages" in full.notes["drawn"]["trec"]
    assert (
        "trec" not in score(Bm25(), [collection], replace(settings, depth=60), Quiet(), tmp_path / "b").notes["drawn"]
    )
    cut = score(Dense(Letters(), 4), [collection], replace(settings, depth=10, full_ranks=0), Quiet())
    assert "drawn/multilingual/map@10" in cut.evaluation.macro()
    judged: dict[str, dict[str, int]] = {}
    for row in zip(collection.relevant_queries, collection.relevant_passages, collection.grades, strict=True):
        judged.setdefault(f"q{row[0]}", {})[collection.passage_ids[row[1]]] = int(row[2])
    trec = pytrec_eval.RelevanceEvaluator(judged, {"map"}).evaluate(run_of(tmp_path / "drawn.all.run.gz"))
    mean = float(np.mean([value["map"] for value in trec.values()]))
    assert cut.evaluation.macro()["drawn/multilingual/map@10"] == pytest.approx(mean, abs=1e-12)
    assert full.evaluation.macro()["drawn/multilingual/map"] > mean


def definition(
    collection: Collection, row: Any, run: dict[str, float], judged: dict[str, int], trec: dict[str, float]
) -> float:
    """A metric of one query from the run and the judgments of one pool; trec_eval's own where it has one."""
    order = sorted(sorted(run, reverse=True), key=lambda passage: -run[passage])
    if row.metric == "map":
        return trec["map"]
    if row.metric == "mrr":
        return trec["recip_rank"] if trec[f"success_{row.cutoff}"] else 0.0
    if row.metric == "capped_recall":
        return sum(passage in order[: row.cutoff] for passage in judged) / min(row.cutoff, len(judged))
    if row.metric in NAMES:
        return trec[f"{NAMES[row.metric]}_{row.cutoff}"]
    return bias(collection, row.metric, order, {p: grade for p, grade in judged.items() if p != row.query_id})


def bias(collection: Collection, metric: str, order: list[str], judged: dict[str, int]) -> float:
    """Between the languages of the `judged` passages; what was not found stands behind the whole pool."""
    language = dict(zip(collection.passage_ids, collection.passage_languages.tolist(), strict=True))
    rank = {passage: place for place, passage in enumerate(order, start=1)}
    assert {language[passage] for passage in judged} == {0, 1}
    if metric == "rank_distance":
        best = [min(rank.get(p, len(language)) for p in judged if language[p] == one) for one in (0, 1)]
        return max(best) - min(best)
    if metric == "peer":
        values = []
        for grade in set(judged.values()):
            groups = [[rank.get(p, 1000) for p in judged if (language[p], judged[p]) == (one, grade)] for one in (0, 1)]
            if min(map(len, groups)) > 1:
                values.append(kruskal(*groups).pvalue if {*groups[0], *groups[1]} != {1000} else 1.0)
        return float(np.mean(values))
    exposure = np.zeros(2)
    for place, passage in enumerate(order[:20]):
        exposure[language[passage]] += 1 / math.log2(place + 2)
    if not exposure.any():
        return 0.0
    target = np.bincount([language[passage] for passage in judged], minlength=2)
    p, q = exposure / exposure.sum(), target / target.sum()
    terms = [a * math.log2(2 * a / (a + b)) for x, y in ((p, q), (q, p)) for a, b in zip(x, y, strict=True) if a > 0]
    return 1 - sum(terms) / 2
