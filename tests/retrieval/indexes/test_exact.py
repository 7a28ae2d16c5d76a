from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch

from hybridret.base.errors import UserError
from hybridret.retrieval.exact_search import search_top_k
from hybridret.retrieval.indexes.exact import Exact

Make = Callable[..., Any]


def same(ours: Any, theirs: Any) -> None:
    """To the bit."""
    assert ours.passages.tolist() == theirs.passages.tolist()
    assert ours.scores.tobytes() == theirs.scores.tobytes()
    assert (ours.passages.dtype, ours.scores.dtype) == (np.int64, np.float32)


@pytest.mark.parametrize("largest", [0, 1, 20], ids=["constant", "many ties", "few ties"])
@pytest.mark.parametrize("k", [1, 7, 299, 300, 400])
@pytest.mark.parametrize("tiles", [(1, 8), (4, 64), (16, 1024)])
def test_equal_to_a_full_sort(search: Make, small_integers: Make, largest: int, k: int, tiles: tuple[int, int]) -> None:
    queries, passages = small_integers(9, 6, 1, largest), small_integers(300, 6, 2, largest)
    ties = np.random.default_rng(3).permutation(300)
    hits = search(Exact(*tiles), queries, passages, k, ties=ties)
    columns, scores = search_top_k(queries @ passages.T, k, ties)
    assert hits.passages.tolist() == columns.tolist()
    assert hits.scores.tolist() == scores.tolist()


@pytest.mark.parametrize("order", ["random", "ascending", "descending"])
def test_long_streams(search: Make, unit_vectors: Make, order: str) -> None:
    """Scores that only rise put every passage through the candidates, those that only fall none after the first."""
    queries, passages = unit_vectors(3, 16, 1), unit_vectors(5000, 16, 2)
    queries[1:] = queries[0]
    if order != "random":
        passages = passages[np.argsort(passages @ queries[0])[:: 1 if order == "ascending" else -1]]
    ties = np.random.default_rng(3).permutation(5000)
    hits = search(Exact(4, 64), queries, passages, 20, ties=ties)
    columns, scores = search_top_k(queries @ passages.T, 20, ties)
    assert hits.passages.tolist() == columns.tolist()
    np.testing.assert_allclose(hits.scores, scores, rtol=1e-5)


@pytest.mark.parametrize(("first", "last"), [(0, 40), (13, 77), (60, 100), (99, 100)])
def test_a_slice_of_the_passages(search: Make, source: Make, small_integers: Make, first: int, last: int) -> None:
    """Numbers are those of the collection, and nothing outside of the slice is read."""
    queries, passages = small_integers(5, 6, 1), small_integers(100, 6, 2)
    ties = np.random.default_rng(3).permutation(100)[first:last]  # not dense
    memory = source(passages)
    hits = search(Exact(2, 16), queries, memory, 10, first, last, ties)
    columns, scores = search_top_k(queries @ passages[first:last].T, 10, ties)
    assert hits.passages.tolist() == (columns + first).tolist()
    assert hits.scores.tolist() == scores.tolist()
    assert min(start for start, _ in memory.reads) == first
    assert max(stop for _, stop in memory.reads) == last


@pytest.mark.parametrize("world", [2, 3, 5])
@pytest.mark.parametrize("count", [3, 64, 1000])
def test_any_number_of_ranks_gives_the_same_bits(
    search: Make, search_processes: Make, unit_vectors: Make, world: int, count: int
) -> None:
    queries, passages = unit_vectors(11, 24, 1), unit_vectors(count, 24, 2)
    ties = np.random.default_rng(3).permutation(count)
    alone = search(Exact(4, 32), queries, passages, 50, ties=ties)
    for hits in search_processes(world, lambda: Exact(4, 32), queries, passages, 50, ties=ties):
        same(hits, alone)


def test_ranks_read_different_passages(search_processes: Make, source: Make, unit_vectors: Make) -> None:
    memory = source(unit_vectors(200, 8, 2))
    search_processes(3, lambda: Exact(4, 32), unit_vectors(2, 8, 1), memory, 5)
    assert sorted(memory.reads) == [(start, min(start + 32, 200)) for start in range(0, 200, 32)]


def test_any_number_of_threads_gives_the_same_bits(search: Make, unit_vectors: Make, threads: None) -> None:
    queries, passages = unit_vectors(40, 48, 1), unit_vectors(3000, 48, 2)
    results = []
    for count in (1, 2, 4):
        torch.set_num_threads(count)
        results.append(search(Exact(16, 64), queries, passages, 30))
        assert torch.get_num_threads() == count  # given back
    same(results[1], results[0])
    same(results[2], results[0])


def test_more_queries_than_are_searched_at_once(
    search: Make, small_integers: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    queries, passages = small_integers(50, 6, 1), small_integers(90, 6, 2)
    whole = search(Exact(4, 32), queries, passages, 10)
    monkeypatch.setattr("hybridret.retrieval.indexes.exact._QUERIES_AT_ONCE", 7)
    same(search(Exact(4, 32), queries, passages, 10), whole)


def test_full_precision_whatever_training_had_chosen(search: Make, unit_vectors: Make) -> None:
    before = torch.get_float32_matmul_precision()
    torch.set_float32_matmul_precision("medium")
    try:
        queries, passages = unit_vectors(20, 256, 1), unit_vectors(64, 256, 2)
        hits = search(Exact(32, 64), queries, passages, 64)
        assert torch.get_float32_matmul_precision() == "medium"
    finally:
        torch.set_float32_matmul_precision(before)
    exact = np.take_along_axis(queries.astype(np.float64) @ passages.T, hits.passages, 1)
    np.testing.assert_allclose(hits.scores, exact, atol=1e-6)


def test_nothing_to_search(search: Make, small_integers: Make) -> None:
    queries, passages = small_integers(5, 6, 1), small_integers(30, 6, 2)
    assert search(Exact(), queries, passages, 10, 4, 4).passages.shape == (5, 0)
    assert search(Exact(), queries[:0], passages, 10).scores.shape == (0, 10)


def test_negative_zero_is_zero(search: Make) -> None:
    queries = np.array([[1, 0]], dtype=np.float32)
    passages = np.array([[0, 1], [-0.0, -0.0], [0, -1]], dtype=np.float32)
    hits = search(Exact(1, 8), queries, passages, 2, ties=np.array([2, 0, 1]))
    assert hits.passages.tolist() == [[1, 2]]


def scaled(value: float) -> Callable[[Any, Any], None]:
    def damage(queries: Any, passages: Any) -> None:
        passages[77] = value

    return damage


def infinitely_bad(queries: Any, passages: Any) -> None:
    """Every score of it is minus infinity, which would never come near the best k."""
    np.abs(queries, out=queries)
    passages[77] = -np.inf


def overflowing(queries: Any, passages: Any) -> None:
    passages[77], queries[:] = 1e25, 1e19


@pytest.mark.parametrize("damage", [scaled(np.nan), scaled(np.inf), infinitely_bad, overflowing])
@pytest.mark.parametrize("world", [1, 3])
@pytest.mark.parametrize("workers", [1, 2])
def test_scores_that_are_no_numbers(
    search_processes: Make, unit_vectors: Make, damage: Any, world: int, workers: int
) -> None:
    """Named by query and passage, on every rank, also those that met only good ones."""
    torch.set_num_threads(workers)
    queries, passages = unit_vectors(5, 8, 1), unit_vectors(100, 8, 2)
    damage(queries, passages)
    errors = search_processes(world, lambda: Exact(2, 16), queries, passages, 3)
    for error in errors:
        assert isinstance(error, UserError)
        assert re.search("score of query 0 and passage 77 is NaN or infinite", str(error))


def test_a_query_that_is_no_number(search: Make, unit_vectors: Make) -> None:
    queries = unit_vectors(5, 8, 1)
    queries[3, 2] = np.nan
    with pytest.raises(UserError, match=r"query 3 holds NaN or infinity.*passage 10"):
        search(Exact(2, 16), queries, unit_vectors(50, 8, 2), 3, 10, 50)


def test_large_numbers_whose_sum_overflows_are_searched(search: Make) -> None:
    passages = np.full((20, 4), 1e38, dtype=np.float32)
    hits = search(Exact(1, 8), np.full((1, 4), 1e-38, dtype=np.float32), passages, 3)
    assert hits.passages.tolist() == [[0, 1, 2]]


def test_sizes_that_do_not_fit(search: Make, unit_vectors: Make) -> None:
    queries, passages = unit_vectors(5, 8, 1), unit_vectors(30, 8, 2)
    with pytest.raises(UserError, match="it must be at least 1"):
        search(Exact(), queries, passages, 0)
    with pytest.raises(UserError, match=r"have 8 numbers .* passages 9"):
        search(Exact(), queries, unit_vectors(30, 9, 2), 3)
    with pytest.raises(UserError, match="there are 30"):
        search(Exact(), queries, passages, 3, 10, 31)
    with pytest.raises(UserError, match="5 positions for 30 passages"):
        search(Exact(), queries, passages, 3, ties=np.arange(5))
    with pytest.raises(UserError, match="a position twice"):
        search(Exact(), queries, passages, 3, ties=np.zeros(30, dtype=np.int64))
    with pytest.raises(UserError, match=r"index\.query_tile=0 must be at least 1"):
        Exact(0, 8)
    for tile in (12, 0):
        with pytest.raises(UserError, match=rf"index\.passage_tile={tile} must be .* a multiple of 8"):
            Exact(4, tile)
