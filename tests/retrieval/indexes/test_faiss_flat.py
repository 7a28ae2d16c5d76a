from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from hybridret.base.errors import UserError
from hybridret.retrieval.indexes.exact import Exact
from hybridret.retrieval.indexes.faiss_flat import FaissFlat

pytest.importorskip("faiss", reason="faiss is not installed")
Make = Callable[..., Any]


@pytest.mark.parametrize("largest", [0, 1, 20], ids=["constant", "many ties", "few ties"])
@pytest.mark.parametrize("k", [1, 20, 399, 400, 500])
def test_equal_to_exact(search: Make, small_integers: Make, largest: int, k: int) -> None:
    queries, passages = small_integers(30, 6, 1, largest), small_integers(400, 6, 2, largest)
    ties = np.random.default_rng(3).permutation(400)
    ours = search(FaissFlat(), queries, passages, k, ties=ties)
    exact = search(Exact(8, 64), queries, passages, k, ties=ties)
    assert ours.passages.tolist() == exact.passages.tolist()
    assert ours.scores.tolist() == exact.scores.tolist()


def test_no_query_is_searched_again_without_ties(search: Make, unit_vectors: Make) -> None:
    queries, passages = unit_vectors(300, 32, 1), unit_vectors(3000, 32, 2)
    index = FaissFlat()
    ours = search(index, queries, passages, 10, 500, 2900)
    exact = search(Exact(), queries, passages, 10, 500, 2900)
    assert ours.passages.tolist() == exact.passages.tolist()
    np.testing.assert_allclose(ours.scores, exact.scores, atol=1e-6)
    assert index.notes() == {}


def test_equal_passages_at_the_boundary_are_searched_again(search: Make, unit_vectors: Make) -> None:
    """More copies than are fetched: which of them faiss returns is chance."""
    queries, passages = unit_vectors(7, 32, 1), unit_vectors(3000, 32, 2)
    passages[::3] = queries[2]
    ties = np.arange(3000)[::-1].copy()
    index = FaissFlat()
    ours = search(index, queries, passages, 10, ties=ties)
    assert ours.passages[2].tolist() == list(range(2997, 2967, -3))
    assert index.notes() == {"searched again without faiss, because of equal scores": "1 queries"}
    search(index, queries, passages[1::3], 10)
    assert index.notes() == {}  # of the last search


def test_equal_vectors_have_equal_scores_wherever_they_stand(search: Make, unit_vectors: Make) -> None:
    queries, passages = unit_vectors(5, 33, 1), unit_vectors(101, 33, 2)
    passages[[3, 50, 64, 100]] = queries[1]
    ours = search(FaissFlat(), queries, passages, 4, ties=np.arange(101)[::-1].copy())
    assert ours.passages[1].tolist() == [100, 64, 50, 3]
    assert len(set(ours.scores[1].tolist())) == 1


@pytest.mark.parametrize("world", [2, 3])
def test_all_ranks_get_the_hits(search: Make, search_processes: Make, small_integers: Make, world: int) -> None:
    queries, passages = small_integers(9, 6, 1), small_integers(400, 6, 2)
    alone = search(FaissFlat(), queries, passages, 20)
    for hits in search_processes(world, FaissFlat, queries, passages, 20):
        assert hits.passages.tolist() == alone.passages.tolist()
        assert hits.scores.tolist() == alone.scores.tolist()


@pytest.mark.parametrize("world", [1, 2])
def test_vectors_that_are_no_numbers(search_processes: Make, unit_vectors: Make, world: int) -> None:
    queries, passages = unit_vectors(5, 8, 1), unit_vectors(100, 8, 2)
    passages[77, 3] = np.nan
    for error in search_processes(world, FaissFlat, queries, passages, 3):
        assert isinstance(error, UserError)
        assert "vector of passage 77 holds NaN" in str(error)
    queries[4, 0] = np.inf
    for error in search_processes(world, FaissFlat, queries, unit_vectors(100, 8, 2), 3):
        assert "vector of query 4 holds NaN" in str(error)
    large = np.full((20, 8), 1e25, dtype=np.float32)
    for error in search_processes(world, FaissFlat, large[:2], large, 3):
        assert "is NaN or infinite" in str(error)
    mixed = large * np.where(np.arange(8) % 2, 1, -1).astype(np.float32)
    for error in search_processes(world, FaissFlat, large[:2], mixed, 3):
        assert "query 0 are no numbers" in str(error)


def test_nothing_to_search(search: Make, unit_vectors: Make) -> None:
    queries, passages = unit_vectors(5, 8, 1), unit_vectors(30, 8, 2)
    assert search(FaissFlat(), queries, passages, 10, 4, 4).passages.shape == (5, 0)
    assert search(FaissFlat(), queries[:0], passages, 10).scores.shape == (0, 10)
    with pytest.raises(UserError, match="it must be at least 1"):
        search(FaissFlat(), queries, passages, 0)
