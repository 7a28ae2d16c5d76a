from __future__ import annotations

import gc
import weakref
from dataclasses import replace
from typing import Any

import numpy as np
import torch

from hybridret.base.progress import Quiet
from hybridret.base.records import Collection
from hybridret.retrieval.dense import Dense
from hybridret.retrieval.encode import encode_texts


def test_scores_are_cosines_of_the_indexed_passages(toy_encoder: Any, small_collection: Collection) -> None:
    retriever = Dense(toy_encoder, 2)
    assert retriever.cosine
    scores = retriever.index(small_collection, np.array([1, 3]), Quiet()).scores(np.array([2, 0]))
    queries = encode_texts(toy_encoder, small_collection.queries, "query", 2, Quiet())
    passages = encode_texts(toy_encoder, small_collection.passages, "passage", 2, Quiet())
    assert scores.dtype == np.float32
    np.testing.assert_allclose(scores, queries[[2, 0]] @ passages[[1, 3]].T, atol=1e-6)


def encoded(encoder: Any) -> int:
    """Rows that went through the encoder so far."""
    return sum(rows for rows, _ in encoder.tokenization.shapes)


def test_a_collection_is_encoded_once(toy_encoder: Any, small_collection: Collection) -> None:
    retriever = Dense(toy_encoder, 2)
    retriever.index(small_collection, np.arange(4), Quiet())
    assert encoded(toy_encoder) == 3 + 4
    retriever.index(small_collection, np.array([0]), Quiet())
    retriever.index(replace(small_collection, name="another"), np.array([0]), Quiet())  # the very same lists
    assert encoded(toy_encoder) == 3 + 4


def test_collections_over_one_list_of_passages_encode_it_once(toy_encoder: Any, small_collection: Collection) -> None:
    retriever, every = Dense(toy_encoder, 2), np.arange(4)
    retriever.index(small_collection, every, Quiet())
    other = replace(small_collection, name="other", queries=["stadt", "italy", "rome"])
    scores = retriever.index(other, every, Quiet()).scores(np.arange(3))
    assert encoded(toy_encoder) == 3 + 4 + 3
    np.testing.assert_array_equal(scores, Dense(toy_encoder, 2).index(other, every, Quiet()).scores(np.arange(3)))


def test_other_lists_are_encoded_even_when_their_predecessors_are_gone(
    toy_encoder: Any, small_collection: Collection
) -> None:
    retriever, every = Dense(toy_encoder, 2), np.arange(4)
    for round_ in range(20):  # without a reference to the old list, the next one would often get its id
        changed = replace(small_collection, passages=[f"{text} {round_}" for text in small_collection.passages])
        scores = retriever.index(changed, every, Quiet()).scores(np.arange(3))
        fresh = Dense(toy_encoder, 2).index(changed, every, Quiet()).scores(np.arange(3))
        np.testing.assert_array_equal(scores, fresh)
        del changed


def test_only_the_last_lists_are_held(toy_encoder: Any, small_collection: Collection) -> None:
    retriever, every, refs = Dense(toy_encoder, 2), np.arange(4), []
    for suffix in ("a", "b", "c"):
        index = retriever.index(
            replace(
                small_collection,
                queries=[text + suffix for text in small_collection.queries],
                passages=[text + suffix for text in small_collection.passages],
            ),
            every,
            Quiet(),
        )
        refs.append((weakref.ref(index.queries), weakref.ref(index.passages)))
        del index
    gc.collect()
    assert [(q() is None, p() is None) for q, p in refs] == [(True, True), (True, True), (False, False)]


def test_changed_weights_are_encoded_again(toy_encoder: Any, small_collection: Collection) -> None:
    retriever = Dense(toy_encoder, 2)
    every = np.arange(4)
    before = retriever.index(small_collection, every, Quiet()).scores(np.arange(3))
    with torch.no_grad():
        toy_encoder.linear.weight.add_(torch.randn_like(toy_encoder.linear.weight))
    after = retriever.index(small_collection, every, Quiet()).scores(np.arange(3))
    fresh = Dense(toy_encoder, 2).index(small_collection, every, Quiet()).scores(np.arange(3))
    assert not np.allclose(before, after)
    assert (after == fresh).all()


def test_contexts_are_read(toy_encoder: Any, small_collection: Collection) -> None:
    with_contexts = replace(small_collection, contexts=["europe"] * 4)
    plain = Dense(toy_encoder, 2).index(small_collection, np.arange(4), Quiet()).scores(np.arange(3))
    richer = Dense(toy_encoder, 2).index(with_contexts, np.arange(4), Quiet()).scores(np.arange(3))
    assert not np.allclose(plain, richer)


def test_the_same_passages_with_other_contexts_are_encoded_again(
    toy_encoder: Any, small_collection: Collection
) -> None:
    retriever, every = Dense(toy_encoder, 2), np.arange(4)
    plain = retriever.index(small_collection, every, Quiet()).scores(np.arange(3))
    with_contexts = replace(small_collection, contexts=["europe"] * 4)
    assert not np.allclose(plain, retriever.index(with_contexts, every, Quiet()).scores(np.arange(3)))
    assert encoded(toy_encoder) == 3 + 4 + 4  # the queries are the same list
    again = retriever.index(small_collection, every, Quiet()).scores(np.arange(3))
    np.testing.assert_array_equal(again, plain)
