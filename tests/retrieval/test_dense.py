from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import torch

from hybridret.progress import Quiet
from hybridret.records import Collection
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


def test_a_collection_is_encoded_once(toy_encoder: Any, small_collection: Collection) -> None:
    retriever = Dense(toy_encoder, 2)
    retriever.index(small_collection, np.arange(4), Quiet())
    calls = len(toy_encoder.tokenization.shapes)
    retriever.index(small_collection, np.array([0]), Quiet())
    assert len(toy_encoder.tokenization.shapes) == calls
    retriever.index(replace(small_collection, name="another"), np.array([0]), Quiet())
    assert len(toy_encoder.tokenization.shapes) == 2 * calls


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
