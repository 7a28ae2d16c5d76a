"""Streams: full use of the data, fresh permutations, work that does not grow with the step."""

from __future__ import annotations

import numpy as np
import pytest

from hybridret.batching.cross import Cross
from hybridret.batching.draw import Purpose, generator, uniforms
from hybridret.batching.hybrid import Hybrid
from hybridret.batching.mono import Mono
from hybridret.batching.pairing import OneLanguage
from hybridret.batching.schedule import MixedSchedule
from hybridret.batching.streams import EpochCache, Stream, batches_per_epoch, group_codes, make_stream


def stream_over(groups: np.ndarray, batch_size: int, key: tuple[int, int] = (0, 1)) -> Stream:
    codes = np.unique(groups, return_inverse=True)[1].astype(np.int32)
    stream = make_stream(key, np.ones(len(groups), dtype=bool), codes, batch_size, OneLanguage(0))
    assert stream is not None
    return stream


def most_batches(counts: list[int], size: int) -> int:
    """By taking from the fullest groups again and again, which is optimal."""
    made = 0
    while True:
        counts = sorted(counts, reverse=True)
        if len(counts) < size or counts[size - 1] == 0:
            return made
        counts = [count - 1 for count in counts[:size]] + counts[size:]
        made += 1


def test_an_epoch_uses_as_much_as_any_order_could():
    random = np.random.default_rng(0)
    capped = 0
    for _ in range(300):
        counts = np.maximum(1, random.geometric(0.3, random.integers(2, 15)) ** 2 // 3)
        size = int(random.integers(2, len(counts) + 1))
        expected = most_batches(counts.tolist(), size)
        assert batches_per_epoch(counts, size) == expected >= 1
        groups = np.repeat(np.arange(len(counts)), counts)
        epoch = stream_over(groups, size).epoch(1, 0)
        assert epoch.shape == (expected, size)
        assert len(np.unique(epoch)) == epoch.size
        assert all(len(set(groups[row])) == size for row in epoch)
        capped += counts.max() > expected
    assert 20 < capped < 280, "both cases must occur"


def test_without_shared_passages_an_epoch_is_slices_of_a_permutation():
    stream = stream_over(np.arange(103), 10)
    epoch = stream.epoch(3, 0)
    assert epoch.shape == (10, 10)  # all but the tail of 3
    random = generator(3, Purpose.EPOCH, 0, 1, 0)
    dealt = random.permutation(103)[:100].reshape(10, 10).T
    assert np.array_equal(epoch, dealt[random.permutation(10)])


def test_shared_passages_cost_nothing_when_batches_are_many():
    assert stream_over(np.arange(120) // 4, 10).epoch(0, 0).size == 120  # 30 passages with 4 questions: 12 batches


def test_epochs_seeds_and_streams_are_shuffled_differently():
    groups = np.arange(64)
    one, other = stream_over(groups, 8), stream_over(groups, 8, key=(1, 1))
    orders = [one.epoch(0, 0), one.epoch(0, 1), one.epoch(1, 0), other.epoch(0, 0)]
    assert len({order.tobytes() for order in orders}) == 4
    for left in range(4):
        for right in range(left):  # and not merely rearranged: batches hold different questions
            batches = {frozenset(row) for row in orders[left].tolist()} & {
                frozenset(row) for row in orders[right].tolist()
            }
            assert not batches


def test_datasets_of_equal_size_are_shuffled_differently(make_pairs):
    twins = [make_pairs("one"), make_pairs("two")]
    for strategy in (Mono(), Cross()):
        schedule = strategy.schedule(twins, 6)
        first: dict[tuple[int, int], tuple[int, ...]] = {}
        for step in range(100):
            batch = schedule(0, step)
            language = int(batch.query_languages[0]) if batch.kind == "mono" else -1
            first.setdefault((batch.dataset, language), tuple(batch.questions))
        assert len(first) == len(set(first.values())) == (6 if strategy == Mono() else 2)


def test_questions_of_one_passage_are_not_seen_close_in_time():
    """Distances between the batches of a passage's questions are those of random batches, not 1."""
    stream = stream_over(np.arange(2000) // 2, 10)
    distances = []
    for epoch in range(5):
        batch_of = np.empty(2000, dtype=np.int64)
        batch_of[stream.epoch(0, epoch)] = np.arange(200)[:, None]
        distances.append(np.abs(batch_of[::2] - batch_of[1::2]).mean())
    assert np.mean(distances) == pytest.approx(201 / 3, rel=0.1)


def test_a_far_step_costs_one_epoch_and_one_draw_per_block(datasets, monkeypatch):
    calls = {"epoch": 0, "uniforms": 0}
    epoch, draw = Stream.epoch, uniforms

    def counted_epoch(self, seed, number):
        calls["epoch"] += 1
        return epoch(self, seed, number)

    def counted_uniforms(*arguments):
        calls["uniforms"] += 1
        return draw(*arguments)

    monkeypatch.setattr(Stream, "epoch", counted_epoch)
    monkeypatch.setattr("hybridret.batching.schedule.uniforms", counted_uniforms)
    schedule = Hybrid(0.5).schedule(datasets, 8)
    schedule(0, 1_000_000)
    blocks = 1_000_000 // 4096 + 1
    assert calls == {"epoch": 1, "uniforms": 3 * blocks}
    schedule(0, 1_000_000)
    assert calls == {"epoch": 1, "uniforms": 3 * blocks}
    for step in range(1_000_001, 1_000_021):
        schedule(0, step)
    assert calls["uniforms"] == 3 * blocks
    schedule(0, 999_000)  # back by a block: nothing is counted again, one block is drawn
    assert calls["uniforms"] <= 3 * (blocks + 1)


def test_uniforms_are_one_sequence():
    whole = generator(5, Purpose.LANGUAGE).random(64)
    assert np.array_equal(np.concatenate([uniforms(5, Purpose.LANGUAGE, at, 16) for at in (0, 16, 32, 48)]), whole)
    assert not np.array_equal(uniforms(5, Purpose.TYPE, 0, 64), whole)
    assert not np.array_equal(uniforms(6, Purpose.LANGUAGE, 0, 64), whole)
    with pytest.raises(ValueError, match="multiple of 4"):
        uniforms(5, Purpose.TYPE, 2, 4)


def test_cache_is_bounded_and_harmless():
    stream = stream_over(np.arange(100), 10)
    cache = EpochCache(capacity=3 * stream.epoch(0, 0).nbytes)
    for epoch in [0, 1, 2, 3, 4, 0, 4, 1]:
        assert np.array_equal(cache.epoch(0, 0, stream, epoch), stream.epoch(0, epoch))
        assert len(cache._orders) <= 3
    tiny = EpochCache(capacity=1)
    assert np.array_equal(tiny.epoch(0, 0, stream, 0), tiny.epoch(0, 0, stream, 0))
    assert len(tiny._orders) == 1


def test_memory_of_seeds_is_bounded(datasets):
    schedule = Mono().schedule(datasets, 8)
    assert isinstance(schedule, MixedSchedule)
    first = schedule(0, 0).questions
    for seed in range(30):
        schedule(seed, 0)
    assert len(schedule._blocks) <= 4
    assert np.array_equal(schedule(0, 0).questions, first)


def test_batches_do_not_share_memory_with_the_cache(datasets):
    schedule = Mono().schedule(datasets, 8)
    batch = schedule(0, 0)
    kept = batch.questions.copy()
    batch.questions[:] = -1
    assert np.array_equal(schedule(0, 0).questions, kept)


def test_group_codes_are_dense(make_pairs):
    pairs = make_pairs(questions=4, groups=[70, -5, 70, 9])
    assert group_codes(pairs).tolist() == [2, 0, 2, 1]
