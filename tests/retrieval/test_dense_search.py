"""Search over vectors in memory or on disk, alone or with others: equal to scoring everything and sorting."""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from hybridret.base.progress import Quiet
from hybridret.base.records import Collection, Hits
from hybridret.retrieval import tiles
from hybridret.retrieval.dense import Dense, tie_positions
from hybridret.retrieval.search_request import SearchRequest

COUNT = 90


@pytest.fixture
def collection(small_collection: Collection) -> Collection:
    """Ids in no order, and passages that occur three times, so that there are ties."""
    texts = [f"passage about {chr(97 + i % 30 * 7 % 26) * (i % 30 // 3)} {i % 30}" for i in range(COUNT)]
    ids = tuple(f"d{i}" for i in np.random.default_rng(0).permutation(COUNT))
    return replace(small_collection, passages=texts, passage_ids=ids, passage_languages=np.arange(COUNT) // 45)


@pytest.fixture(params=["memory", "cache", "streamed"])
def make(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Dense]:
    monkeypatch.setattr(tiles, "TILE", 30)  # a text has one vector in all tiles: they hold the same texts
    named = {
        "memory": {"cache": tmp_path},
        "cache": {"cache": tmp_path, "cache_from": COUNT, "key": {"weights": "w"}},
        "streamed": {"cache_from": 10},
    }[request.param]
    return lambda encoder, **more: Dense(encoder, 4, **{"key": {}, **named, **more})


def expected(encoder: Any, collection: Collection, queries: np.ndarray, first: int, last: int, k: int) -> Hits:
    """Slow twin: all scores, sorted by score and then by id, both descending."""
    scores = Dense(encoder, 4).index(collection, np.arange(first, last), Quiet()).scores(queries)
    rows = []
    for row in scores:
        order = sorted(range(last - first), key=lambda p: (row[p], collection.passage_ids[first + p]), reverse=True)
        rows.append(order[:k])
    return Hits(np.array(rows) + first, np.take_along_axis(scores, np.array(rows), axis=1))


@pytest.mark.parametrize(("first", "last", "k"), [(0, COUNT, 7), (45, COUNT, 40), (3, 50, 60)])
def test_finds_what_sorting_all_scores_finds(
    first: int, last: int, k: int, make: Callable[..., Dense], toy_encoder: Any, collection: Collection
) -> None:
    queries = np.array([2, 0])
    hits = make(toy_encoder).search(collection, queries, first, last, k, Quiet())
    slow = expected(toy_encoder, collection, queries, first, last, k)
    np.testing.assert_array_equal(hits.passages, slow.passages)
    np.testing.assert_allclose(hits.scores, slow.scores, atol=1e-6)
    assert hits.passages.shape == (2, min(k, last - first))


def test_single_scores_are_those_of_the_index(
    make: Callable[..., Dense], toy_encoder: Any, collection: Collection
) -> None:
    every = Dense(toy_encoder, 4).index(collection, np.arange(COUNT), Quiet()).scores(np.arange(3))
    dense = make(toy_encoder)
    queries, passages = np.array([2, 0, 0, 1]), np.array([80, 3, 4, 3])
    pairs = dense.pair_scores(collection, queries, passages, Quiet())
    assert pairs.dtype == np.float32
    np.testing.assert_allclose(pairs, every[queries, passages], atol=1e-6)
    crossed = dense.cross_scores(collection, np.array([1, 2]), passages, Quiet())
    np.testing.assert_allclose(crossed, every[[1, 2]][:, passages], atol=1e-6)
    assert dense.pair_scores(collection, queries[:0], passages[:0], Quiet()).shape == (0,)


def test_pairs_in_portions(
    make: Callable[..., Dense], toy_encoder: Any, collection: Collection, monkeypatch: pytest.MonkeyPatch
) -> None:
    rng = np.random.default_rng(0)
    queries, passages = rng.integers(0, 3, 50), rng.integers(0, COUNT, 50)
    whole = make(toy_encoder).pair_scores(collection, queries, passages, Quiet())
    monkeypatch.setattr("hybridret.retrieval.dense.PAIRS", 7)
    np.testing.assert_array_equal(make(toy_encoder).pair_scores(collection, queries, passages, Quiet()), whole)


@pytest.mark.parametrize("world", [2, 3])
def test_ranks_find_what_one_process_finds(
    world: int,
    make: Callable[..., Dense],
    toy_encoder: Any,
    collection: Collection,
    run_processes: Callable[..., list[Any]],
) -> None:
    alone = make(toy_encoder).search(collection, np.arange(3), 5, COUNT, 9, Quiet())
    encoders = [copy.deepcopy(toy_encoder) for _ in range(world)]

    def search(processes: Any) -> Hits:
        dense = make(encoders[processes.rank], processes=processes)
        if processes.rank == 0:
            dense.index(collection, np.arange(COUNT), Quiet())  # the first rank's own business
        dense.search(collection, np.arange(2), 0, 5, 2, Quiet())
        return dense.search(collection, np.arange(3), 5, COUNT, 9, Quiet())

    for hits in run_processes(world, search):
        assert hits.passages.tobytes() == alone.passages.tobytes()
        assert hits.scores.tobytes() == alone.scores.tobytes()


def encoded(encoder: Any) -> int:
    return sum(rows for rows, _ in encoder.tokenization.shapes)


def test_a_collection_is_encoded_once_and_a_cache_outlives_the_process(
    make: Callable[..., Dense], toy_encoder: Any, collection: Collection, tmp_path: Path
) -> None:
    dense = make(toy_encoder)
    for first, last in ((0, 45), (45, COUNT)):
        dense.search(collection, np.arange(3), first, last, 5, Quiet())
    dense.index(collection, np.arange(COUNT), Quiet())
    dense.pair_scores(collection, np.array([0]), np.array([0]), Quiet())
    before = encoded(toy_encoder)
    distinct = len(set(collection.passages))
    cached = bool(list(tmp_path.iterdir()))
    assert before == 3 + (distinct if dense._cache_from > COUNT else 90)
    make(toy_encoder).search(collection, np.arange(3), 0, COUNT, 5, Quiet())
    assert encoded(toy_encoder) == (before + 3 if cached else 2 * before)


def test_other_queries_over_the_same_passages(
    make: Callable[..., Dense], toy_encoder: Any, collection: Collection
) -> None:
    dense, asked = make(toy_encoder), np.arange(3)
    dense.search(collection, asked, 0, COUNT, 5, Quiet())
    other = replace(collection, queries=["stadt", "italy", "rome"])
    found = dense.search(other, asked, 0, COUNT, 5, Quiet())
    assert found.scores.tobytes() == make(toy_encoder).search(other, asked, 0, COUNT, 5, Quiet()).scores.tobytes()


def test_changed_weights_or_texts_are_never_found_in_a_cache(
    toy_encoder: Any, collection: Collection, tmp_path: Path
) -> None:
    def dense(key: dict[str, str]) -> Dense:
        return Dense(toy_encoder, 4, cache=tmp_path, cache_from=1, key=key)

    def folders() -> int:
        return len(list(tmp_path.iterdir()))

    first = dense({"weights": "1"})
    first.search(collection, np.arange(3), 0, COUNT, 5, Quiet())
    assert folders() == 1
    changed = replace(collection, passages=[*collection.passages[:-1], "something else"])
    first.search(changed, np.arange(3), 0, COUNT, 5, Quiet())
    first.search(replace(collection, contexts=["a"] * COUNT), np.arange(3), 0, COUNT, 5, Quiet())
    first.search(replace(collection, contexts=["b"] * COUNT), np.arange(3), 0, COUNT, 5, Quiet())
    assert folders() == 4
    first.search(replace(collection, fingerprint="given"), np.arange(3), 0, COUNT, 5, Quiet())
    assert folders() == 5
    with torch.no_grad():
        toy_encoder.linear.weight.add_(1)
    with pytest.raises(ValueError, match="weights changed"):
        first.search(collection, np.arange(3), 0, COUNT, 5, Quiet())
    dense({"weights": "2"}).search(collection, np.arange(3), 0, COUNT, 5, Quiet())
    assert folders() == 6
    with pytest.raises(ValueError, match="needs a key"):
        Dense(toy_encoder, 4, cache=tmp_path)


def test_the_index_is_asked_and_its_notes_are_passed_on(toy_encoder: Any, collection: Collection) -> None:
    class Asked:
        def search(self, request: SearchRequest, *more: Any) -> Hits:
            self.got = request
            return Hits(np.zeros((1, 1), dtype=np.int64), np.zeros((1, 1), dtype=np.float32))

        def notes(self) -> dict[str, str]:
            return {"recall": "0.97"}

    index = Asked()
    dense = Dense(toy_encoder, 4, index=index, cosine=False)
    assert not dense.cosine
    dense.search(collection, np.array([1]), 10, 20, 3, Quiet())
    assert (index.got.queries.shape, len(index.got.passages), index.got.depth) == ((1, 16), COUNT, 3)
    assert (index.got.first, index.got.last, index.got.device) == (10, 20, "cpu")
    assert sorted(index.got.tie_order.tolist()) == list(range(10))
    assert dense.notes() == {"recall": "0.97"}
    assert Dense(toy_encoder, 4).notes() == {}


def test_tie_positions_of_a_slice() -> None:
    order = np.array([4, 0, 3, 1, 2])
    assert tie_positions(order, 0, 5).tolist() == [4, 0, 3, 1, 2]
    assert tie_positions(order, 0, 4).tolist() == [3, 0, 2, 1]
    assert tie_positions(order, 1, 4).tolist() == [0, 2, 1]
    assert tie_positions(order, 2, 2).tolist() == []
