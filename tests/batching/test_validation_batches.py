"""The fixed validation batches."""

from __future__ import annotations

import numpy as np

from hybridret.batching.validation_batches import validation_batches


def test_mono_goes_through_the_languages_and_cross_mixes(datasets):
    pairs = datasets[1]
    mono, cross = validation_batches(pairs, 8, 10, seed=0)
    assert [batch.kind for batch in mono] == ["mono"] * 10
    assert [batch.kind for batch in cross] == ["cross"] * len(cross)
    assert [int(batch.query_languages[0]) for batch in mono[:8]] == [0, 1, 2, 3, 0, 1, 2, 3]
    for batch in mono:
        assert len(set(batch.query_languages) | set(batch.passage_languages)) == 1
    for batch in cross:
        assert (batch.query_languages != batch.passage_languages).all()
    for batch in mono + cross:
        assert len(batch) == 8
        assert len(set(pairs.passage_groups[batch.questions])) == 8
        assert pairs.present[batch.questions, batch.query_languages].all()
        assert pairs.present[batch.questions, batch.passage_languages].all()


def test_they_are_fixed_by_the_seed(datasets):
    def content(seed: int) -> list[tuple]:
        both = validation_batches(datasets[0], 8, 6, seed)
        return [(b.step, b.kind, b.questions.tolist(), b.passage_languages.tolist()) for kind in both for b in kind]

    assert content(1) == content(1)
    assert content(1) != content(2)


def test_nothing_is_repeated(datasets):
    mono, cross = validation_batches(datasets[0], 8, 1000, seed=0)
    seen = [(int(batch.query_languages[0]), q) for batch in mono for q in batch.questions.tolist()]
    assert len(seen) == len(set(seen))
    questions = np.concatenate([batch.questions for batch in cross])
    assert len(questions) == len(set(questions))


def test_small_data_makes_smaller_batches(make_pairs):
    mono, cross = validation_batches(make_pairs(questions=5, groups=[0, 0, 1, 2, 2]), 64, 4, seed=0)
    assert {len(batch) for batch in mono + cross} == {3}
    assert len(mono) == 3  # one per language
    assert len(cross) == 1


def test_impossible_kinds_are_empty(make_pairs):
    mono, cross = validation_batches(make_pairs(languages=("en",)), 8, 3, seed=0)
    assert len(mono) == 3
    assert cross == []
    assert validation_batches(make_pairs(questions=1), 8, 3, seed=0) == ([], [])
    assert validation_batches(make_pairs(questions=0), 8, 3, seed=0) == ([], [])
