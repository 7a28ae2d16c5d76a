"""Counting what was drawn."""

from __future__ import annotations

import json

import numpy as np
import pytest

from hybridret.base.records import Batch
from hybridret.batching.hybrid import Hybrid
from hybridret.batching.mix import MixCounter, realised_mix
from hybridret.batching.x_x import XX


def batch(kind: str, dataset: int, queries: list[int], passages: list[int]) -> Batch:
    return Batch(0, kind, dataset, np.arange(len(queries)), np.array(queries), np.array(passages))


def test_hand_made_batches(datasets):
    mix = realised_mix(
        [
            batch("mono", 0, [2, 2, 2], [2, 2, 2]),
            batch("mono", 1, [0, 0, 0], [0, 0, 0]),
            batch("cross", 1, [0, 0, 2], [1, 1, 0]),
            batch("en_en", 0, [0, 0, 0], [0, 0, 0]),
        ],
        datasets,
    )
    assert mix == {
        "batches": 4,
        "rows": 12,
        "alpha": 2 / 3,
        "kinds": {"cross": 1, "en_en": 1, "mono": 2},
        "datasets": {"facts": 2, "news": 2},
        "languages": {"de": 1, "en": 1, "th": 1},
        "language_pairs": {"de": {"en": 2}, "zh": {"de": 1}},
    }


def test_datasets_in_which_no_question_has_two_languages_are_named(make_pairs, batch_size):
    english, apart = make_pairs("english", languages=("en",)), make_pairs("apart", languages=("de", "th"))
    for question in range(len(apart)):
        apart.queries["de" if question % 2 else "th"][question] = None
    both = [make_pairs("parallel"), english, apart]
    schedule = Hybrid(0.5).schedule(both, batch_size)
    mix = realised_mix((schedule(0, step) for step in range(20)), both)
    assert mix["monolingual_datasets"] == ["apart", "english"]
    assert "monolingual_datasets" not in realised_mix([schedule(0, 0)], both[:1])


def test_x_x_rows_are_counted_as_pairs_of_equal_languages(datasets):
    mix = realised_mix([batch("x_x", 0, [0, 1, 1], [0, 1, 1])], datasets)
    assert mix["language_pairs"] == {"de": {"de": 2}, "en": {"en": 1}}
    assert mix["alpha"] is None
    assert mix["languages"] == {}


def test_counts_add_up_and_alpha_is_the_share(datasets, batch_size):
    schedule = Hybrid(0.5).schedule(datasets, batch_size)
    batches = [schedule(0, step) for step in range(200)]
    mix = realised_mix(batches, datasets)
    assert mix["alpha"] == sum(one.kind == "mono" for one in batches) / 200
    assert sum(mix["languages"].values()) == mix["kinds"]["mono"]
    cross_rows = sum(count for row in mix["language_pairs"].values() for count in row.values())
    assert cross_rows == mix["kinds"]["cross"] * batch_size
    assert mix["rows"] == 200 * batch_size


@pytest.mark.parametrize("strategy", [Hybrid(0.5), XX()])
def test_a_resumed_count_equals_a_whole_one(datasets, batch_size, strategy):
    schedule = strategy.schedule(datasets, batch_size)
    first, second = MixCounter(datasets), MixCounter(datasets)
    for step in range(40):
        first.add(schedule(0, step))
    second.restore(json.loads(json.dumps(first.as_dict())))
    for step in range(40, 70):
        second.add(schedule(0, step))
    assert second.as_dict() == realised_mix([schedule(0, step) for step in range(70)], datasets)


def test_nothing_counted(datasets):
    assert MixCounter(datasets).as_dict()["alpha"] is None
