"""IVF-PQ and HNSW: what they find, and that what they say of themselves is right."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import pytest

from hybridret.base.errors import UserError
from hybridret.retrieval.indexes.faiss_hnsw import FaissHnsw
from hybridret.retrieval.indexes.faiss_ivfpq import FaissIvfPq

faiss = pytest.importorskip("faiss", reason="faiss is not installed")
Make = Callable[..., Any]

IVFPQ = partial(FaissIvfPq, lists=8, subquantizers=8, bits=4, probes=2, training_sample=1000, recall_queries=12)
HNSW = partial(FaissHnsw, links=4, construction=8, search=10, recall_queries=12)
BOTH = pytest.mark.parametrize("make", [IVFPQ, HNSW], ids=["ivfpq", "hnsw"])


def recall_by_hand(queries: Any, passages: Any, found: Any, k: int) -> float:
    shares = []
    for query, hits in zip(queries, found, strict=True):
        best = set(np.argsort(-(passages @ query), kind="stable")[:k].tolist())
        shares.append(len(best & set(hits.tolist())) / k)
    return float(np.mean(shares))


@BOTH
def test_recall_is_what_is_counted_by_hand(search: Make, unit_vectors: Make, make: Make) -> None:
    queries, passages = unit_vectors(12, 16, 1), unit_vectors(2000, 16, 2)
    index = make()
    hits = search(index, queries, passages, 10)
    recall = recall_by_hand(queries, passages, hits.passages, 10)
    assert 0.05 < recall < 0.98  # not a trivial one
    assert index.notes()["recall@10 against exact search"] == f"{recall:.4f} (on 12 of 12 queries)"


@BOTH
def test_recall_of_a_sample_and_of_a_slice(search: Make, unit_vectors: Make, make: Make) -> None:
    queries, passages = unit_vectors(40, 16, 1), unit_vectors(2000, 16, 2)
    index = make(recall_queries=15)
    hits = search(index, queries, passages, 10, 300, 1700)
    assert hits.passages[hits.passages >= 0].min() >= 300
    assert hits.passages.max() < 1700
    sample = np.sort(np.random.default_rng(0).choice(40, 15, replace=False))
    found = np.where(hits.passages < 0, -1, hits.passages - 300)
    recall = recall_by_hand(queries[sample], passages[300:1700], found[sample], 10)
    assert index.notes()["recall@10 against exact search"] == f"{recall:.4f} (on 15 of 40 queries)"
    index = make(recall_queries=0)
    search(index, queries, passages, 10)
    assert "not measured" in index.notes()["recall@10 against exact search"]


def test_hnsw_walked_widely_finds_all(search: Make, unit_vectors: Make) -> None:
    queries, passages = unit_vectors(20, 16, 1), unit_vectors(500, 16, 2)
    index = HNSW(links=32, construction=200, search=500)
    hits = search(index, queries, passages, 10)
    assert index.notes()["recall@10 against exact search"].startswith("1.0000")
    np.testing.assert_allclose(hits.scores, np.take_along_axis(queries @ passages.T, hits.passages, 1), atol=1e-6)


def test_bytes_per_passage_by_arithmetic(search: Make, unit_vectors: Make) -> None:
    queries, passages = unit_vectors(3, 16, 1), unit_vectors(2000, 16, 2)
    index = IVFPQ()
    search(index, queries, passages, 5)
    size = float(index.notes()["bytes per passage"])
    codes = 8 * 4 / 8 + 8  # 8 codes of 4 bits, and the passage's number
    tables = 4 * (8 * 16 + 16 * 16)  # list centres and code books
    assert codes + tables / 2000 <= size <= codes + tables / 2000 + 0.5
    index = HNSW()
    search(index, queries, passages, 5)
    size = float(index.notes()["bytes per passage"])
    assert 4 * 16 + 2 * 4 * 4 <= size <= 4 * 16 + 2 * 4 * 4 + 40


@BOTH
def test_bytes_are_those_of_the_written_index(
    search: Make, unit_vectors: Make, make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    import hybridret.retrieval.indexes.approximate as module

    sizes: list[tuple[int, int]] = []
    count = module.index_bytes

    def both(faiss: Any, index: Any) -> int:
        sizes.append((count(faiss, index), len(faiss.serialize_index(index))))
        return sizes[-1][0]

    monkeypatch.setattr(module, "index_bytes", both)
    search(make(), unit_vectors(3, 16, 1), unit_vectors(2000, 16, 2), 5)
    assert [ours for ours, _ in sizes] == [whole for _, whole in sizes]


@pytest.mark.parametrize(("make", "workers"), [(IVFPQ, 1), (HNSW, 1), (HNSW, 2)])
def test_the_same_every_time(search: Make, unit_vectors: Make, make: Make, workers: int) -> None:
    queries, passages = unit_vectors(12, 16, 1), unit_vectors(2000, 16, 2)
    before = faiss.omp_get_max_threads()
    faiss.omp_set_num_threads(workers)
    try:
        first, second = (search(make(), queries, passages, 10) for _ in range(2))
        assert faiss.omp_get_max_threads() == workers  # given back
    finally:
        faiss.omp_set_num_threads(before)
    assert first.passages.tolist() == second.passages.tolist()
    assert first.scores.tobytes() == second.scores.tobytes()


@BOTH
def test_all_ranks_get_the_hits_and_notes(search: Make, search_processes: Make, unit_vectors: Make, make: Make) -> None:
    queries, passages = unit_vectors(12, 16, 1), unit_vectors(2000, 16, 2)
    index = make()
    alone = search(index, queries, passages, 10)
    made: list[Any] = []

    def remember() -> Any:
        made.append(make())
        return made[-1]

    for hits in search_processes(3, remember, queries, passages, 10):
        assert hits.passages.tolist() == alone.passages.tolist()
        assert hits.scores.tobytes() == alone.scores.tobytes()
    assert [one.notes() for one in made] == [index.notes()] * 3


def test_fewer_hits_than_k(search: Make, unit_vectors: Make) -> None:
    """One list of eight holds fewer than 1,500 passages: the rest is marked, not made up."""
    hits = search(IVFPQ(probes=1), unit_vectors(5, 16, 1), unit_vectors(2000, 16, 2), 1500)
    assert hits.passages.shape == (5, 1500)
    missing = hits.passages == -1
    assert missing.any(axis=1).all()
    assert np.isneginf(hits.scores[missing]).all()
    assert np.isfinite(hits.scores[~missing]).all()
    assert (missing[:, 1:] >= missing[:, :-1]).all()  # behind the last hit


def test_equal_scores_in_the_order_of_ties(search: Make, small_integers: Make) -> None:
    queries, passages = small_integers(6, 6, 1), small_integers(300, 6, 2)
    ties = np.random.default_rng(3).permutation(300)
    hits = search(HNSW(links=32, construction=300, search=300), queries, passages, 300, ties=ties)
    for row, scores in zip(hits.passages, queries @ passages.T, strict=True):
        found = row[row >= 0].tolist()
        assert len(found) > 250
        assert found == sorted(found, key=lambda column: (-scores[column], ties[column]))


@BOTH
def test_the_index_is_kept_for_the_same_vectors(search: Make, source: Make, unit_vectors: Make, make: Make) -> None:
    memory = source(unit_vectors(2000, 16, 2))
    index = make(recall_queries=0)
    first = search(index, unit_vectors(4, 16, 1), memory, 10)
    memory.reads.clear()
    again = search(index, unit_vectors(4, 16, 1), memory, 10)
    assert memory.reads == []
    assert again.passages.tolist() == first.passages.tolist()
    search(index, unit_vectors(4, 16, 1), memory, 10, 0, 1999)
    assert memory.reads
    memory.reads.clear()
    search(index, unit_vectors(4, 16, 1), memory, 10)
    assert memory.reads


def test_the_sample_is_of_all_passages(source: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    from hybridret.base.progress import Quiet

    monkeypatch.setattr("hybridret.retrieval.indexes.faiss_common.SLICE", 64)
    vectors = np.arange(3000, dtype=np.float32).repeat(2).reshape(3000, 2)
    sample = IVFPQ()._sample(source(vectors), 500, 3000, Quiet())[:, 0]
    assert sample.shape == (1000,)
    assert (np.diff(sample) > 0).all()
    assert 500 <= sample[0] < 520
    assert 2980 < sample[-1] < 3000


def test_too_few_passages_to_train(search: Make, unit_vectors: Make) -> None:
    with pytest.raises(UserError, match=r"at least 624 passages .* there are 600"):
        search(IVFPQ(), unit_vectors(2, 16, 1), unit_vectors(600, 16, 2), 5)
    with pytest.raises(UserError, match=r"training_sample is 100.* at least 624"):
        IVFPQ(training_sample=100)


def test_numbers_out_of_range(search: Make, unit_vectors: Make) -> None:
    for bad in ({"probes": 9}, {"probes": 0}, {"bits": 9}, {"subquantizers": 0}, {"recall_queries": -1}):
        (key,) = bad
        with pytest.raises(UserError, match=rf"index\.{key}={bad[key]} must be"):
            IVFPQ(**bad)
    for bad in ({"links": 1}, {"search": 0}, {"construction": 0}, {"threads": 0}, {"recall_queries": -1}):
        (key,) = bad
        with pytest.raises(UserError, match=rf"index\.{key}={bad[key]} must be at least"):
            HNSW(**bad)
    with pytest.raises(UserError, match="divisor of 16"):
        search(IVFPQ(subquantizers=5), unit_vectors(2, 16, 1), unit_vectors(700, 16, 2), 5)


@BOTH
def test_bad_input(search: Make, unit_vectors: Make, make: Make) -> None:
    queries, passages = unit_vectors(5, 16, 1), unit_vectors(1000, 16, 2)
    assert search(make(), queries, passages, 10, 4, 4).passages.shape == (5, 0)
    with pytest.raises(UserError, match="it must be at least 1"):
        search(make(), queries, passages, 0)
    broken = passages.copy()
    broken[77] = np.nan
    with pytest.raises(UserError, match="passage 77"):
        search(make(), queries, broken, 10)
    queries[3] = np.inf
    with pytest.raises(UserError, match="query 3"):
        search(make(), queries, passages, 10)
