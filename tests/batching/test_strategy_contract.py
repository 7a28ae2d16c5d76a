"""What every strategy promises, whatever it draws."""

from __future__ import annotations

import pickle
from collections.abc import Sequence

import numpy as np
import pytest
from slow_pairs import Choice, rows_of

from hybridret.base.errors import UserError
from hybridret.base.records import Batch, ParallelPairs
from hybridret.batching.strategy import Strategy


def same(one: Batch, other: Batch) -> bool:
    """Equal in every field, dtypes included."""
    arrays = ("questions", "query_languages", "passage_languages")
    return (one.step, one.kind, one.dataset) == (other.step, other.kind, other.dataset) and all(
        getattr(one, name).dtype == getattr(other, name).dtype == np.int64
        and np.array_equal(getattr(one, name), getattr(other, name))
        for name in arrays
    )


def test_same_seed_same_batches_in_any_order(strategy: Strategy, datasets: list[ParallelPairs], batch_size: int):
    schedule = strategy.schedule(datasets, batch_size)
    sequential = [schedule(3, step) for step in range(60)]
    fresh = strategy.schedule(datasets, batch_size)
    for step in np.random.default_rng(0).permutation(60):
        fresh(4, int(step) * 7)  # another seed in between must not disturb
        assert same(fresh(3, int(step)), sequential[step])


def test_different_seeds_give_different_batches(strategy: Strategy, datasets: list[ParallelPairs], batch_size: int):
    schedule = strategy.schedule(datasets, batch_size)
    first = [schedule(seed, 0) for seed in range(20)]
    questions = {tuple(batch.questions) for batch in first}
    assert len(questions) == 20


def test_pickled_schedule_goes_on_equally(strategy: Strategy, datasets: list[ParallelPairs], batch_size: int):
    schedule = strategy.schedule(datasets, batch_size)
    unused = pickle.dumps(schedule)
    before = [schedule(1, step) for step in range(10)]
    assert pickle.dumps(schedule) == unused  # caches do not travel
    copy = pickle.loads(unused)
    assert all(same(copy(1, step), before[step]) for step in range(10))
    assert same(copy(1, 500), schedule(1, 500))


def test_workers_that_interleave_see_the_sequential_batches(
    strategy: Strategy, datasets: list[ParallelPairs], batch_size: int
):
    schedule = strategy.schedule(datasets, batch_size)
    workers = [pickle.loads(pickle.dumps(schedule)) for _ in range(3)]
    for worker, own in enumerate(workers):
        for step in range(worker, 45, 3):
            assert same(own(2, step), schedule(2, step))


def test_rows_exist_and_no_question_or_passage_twice(
    strategy: Strategy, datasets: list[ParallelPairs], batch_size: int
):
    schedule = strategy.schedule(datasets, batch_size)
    for step in range(300):
        batch = schedule(5, step)
        pairs = datasets[batch.dataset]
        assert len(batch) == len(batch.query_languages) == len(batch.passage_languages) == batch_size
        assert len(set(batch.questions)) == batch_size
        assert len(set(pairs.passage_groups[batch.questions])) == batch_size
        assert pairs.present[batch.questions, batch.query_languages].all()
        assert pairs.present[batch.questions, batch.passage_languages].all()
        assert batch.step == step


def stream_of(batch: Batch) -> tuple[str, int, int]:
    one_language = batch.kind in ("mono", "en_en")
    return batch.kind, batch.dataset, int(batch.query_languages[0]) if one_language else -1


def test_no_question_twice_in_an_epoch(strategy: Strategy, datasets: list[ParallelPairs], batch_size: int):
    schedule = strategy.schedule(datasets, batch_size)
    drawn: dict[tuple[str, int, int], list[np.ndarray]] = {}
    for step in range(900):
        batch = schedule(6, step)
        drawn.setdefault(stream_of(batch), []).append(batch.questions)
    for (kind, dataset, language), batches in drawn.items():
        rows = usable(datasets[dataset], kind, language, getattr(strategy, "pairs", "all"))
        length = brute_force_batches(datasets[dataset].passage_groups[rows], batch_size)
        epochs = [np.concatenate(batches[at : at + length]) for at in range(0, len(batches) - length + 1, length)]
        assert len(epochs) >= 2, "the test must see a whole epoch or it shows nothing"
        assert all(len(set(epoch)) == length * batch_size for epoch in epochs)
        assert all(set(epoch) <= set(rows) for epoch in epochs)
        assert not np.array_equal(epochs[0], epochs[1])


def usable(pairs: ParallelPairs, kind: str, language: int, choice: Choice) -> np.ndarray:
    if language >= 0:
        return np.flatnonzero(pairs.present[:, language])
    if kind == "cross":
        return np.array([question for question in range(len(pairs)) if rows_of(choice, pairs, question)])
    return np.flatnonzero(pairs.present.any(axis=1))


def brute_force_batches(groups: np.ndarray, batch_size: int) -> int:
    """Largest first: the greedy that takes one question from each of the B fullest groups is optimal."""
    counts = sorted(np.unique(groups, return_counts=True)[1], reverse=True)
    made = 0
    while len(counts) >= batch_size and counts[batch_size - 1] > 0:
        counts = sorted([c - 1 for c in counts[:batch_size]] + counts[batch_size:], reverse=True)
        made += 1
    return made


@pytest.mark.parametrize(
    ("broken", "size", "message"),
    [([], 4, "no training dataset"), (None, 1, "at least 2 rows"), (None, 1000, "too few for a batch of 1000")],
)
def test_impossible_requests_are_user_errors(
    strategy: Strategy, datasets: list[ParallelPairs], broken: Sequence[ParallelPairs] | None, size: int, message: str
):
    with pytest.raises(UserError, match=message):
        strategy.schedule(datasets if broken is None else broken, size)


def test_empty_dataset_is_a_user_error(strategy: Strategy, make_pairs):
    with pytest.raises(UserError, match="'nothing' is empty"):
        strategy.schedule([make_pairs(), make_pairs("nothing", questions=0)], 4)


def test_negative_seed_and_step(strategy: Strategy, datasets: list[ParallelPairs], batch_size: int):
    schedule = strategy.schedule(datasets, batch_size)
    with pytest.raises(UserError, match="-1 is negative"):
        schedule(-1, 0)
    with pytest.raises(ValueError, match="steps count from 0"):
        schedule(0, -1)
