"""Which trials come next: those of dead launchers first, then whole batches."""

from __future__ import annotations

import optuna
import pytest
from optuna.storages import BaseStorage, InMemoryStorage

from hybridret.runs.search_table import COMPLETE, FAILED, PRUNED
from hybridret.sweep.searching.objectives import read_objectives
from hybridret.sweep.searching.outcome import Outcome
from hybridret.sweep.searching.search import Search
from hybridret.sweep.searching.search_space import Dimension
from hybridret.sweep.searching.trial_table import front_of


@pytest.fixture
def storage() -> BaseStorage:
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    return InMemoryStorage()


def opened(storage: BaseStorage, trials: int = 9, names: tuple[str, ...] = ("loss",)) -> Search:
    dimensions = [Dimension("x", low=0.0, high=1.0)]
    return Search(storage, {}, dimensions, read_objectives(names, None), {"n": 1}, "tpe", 1, trials)


def nobody(token: str) -> bool:
    return False


def test_a_batch_that_was_cut_short_is_ended_before_the_next(storage: BaseStorage) -> None:
    first = opened(storage)
    assert first.next_trials(2, "a", nobody, nobody) == [0, 1]
    assert opened(storage).next_trials(2, "b", nobody, nobody) == [2, 3]  # another launcher lives
    for number in (0, 2, 3):
        first.tell(number, Outcome(COMPLETE, (float(number),)))
    drawn = first.trial(1).overrides
    resumed = opened(storage)
    assert resumed.next_trials(2, "c", lambda token: token != "c", nobody) == [1]  # and nothing new beside it
    assert resumed.trial(1).overrides == drawn
    resumed.tell(1, Outcome(PRUNED, reason="pruned at step 1: x"))
    assert (resumed.trial(1).state, resumed.trial(1).reason) == (PRUNED, "pruned at step 1: x")
    assert resumed.next_trials(2, "c", lambda token: token != "c", nobody) == [4, 5]


def test_a_batch_that_was_half_drawn_is_drawn_to_its_end(storage: BaseStorage) -> None:
    whole = opened(InMemoryStorage())
    whole.next_trials(2, "a", nobody, nobody)
    killed = opened(storage)
    killed.next_trials(1, "a", nobody, nobody)
    assert opened(storage).next_trials(2, "b", lambda token: token != "b", nobody) == [0, 1]
    assert [one.overrides for one in opened(storage).trials()] == [one.overrides for one in whole.trials()]


def test_there_are_never_more_trials_than_wanted(storage: BaseStorage) -> None:
    search = opened(storage, trials=3)
    assert search.next_trials(2, "a", nobody, nobody) == [0, 1]
    assert search.next_trials(2, "a", nobody, nobody) == [2]
    assert search.next_trials(2, "a", nobody, nobody) == []


def test_the_front_names_each_run_once_and_one_best(storage: BaseStorage) -> None:
    names = ("mono_mrr", "loss")
    search = opened(storage, names=names)
    values = [(0.1, 1.0), (0.2, 2.0), (0.1, 3.0), (0.2, 2.0)]
    for number, value in zip(search.next_trials(4, "a", nobody, nobody), values, strict=True):
        search.start(number, "r" if number in (1, 3) else f"r{number}")
        search.tell(number, Outcome(COMPLETE, value))
    assert front_of(search.trials(), read_objectives(names, None)) == {0, 1}
    alone = [type(one)(**{**one.__dict__, "values": one.values[:1]}) for one in search.trials()]
    assert front_of(alone, read_objectives(names[:1], None)) == {1}


def test_failed_trials_come_again_behind_all_others(storage: BaseStorage) -> None:
    search = opened(storage, trials=4)
    for number in search.next_trials(2, "a", nobody, nobody):
        search.start(number, f"r{number}")
        search.tell(number, Outcome(FAILED, reason="no memory"))
    assert search.next_trials(2, "a", nobody, str) == [2, 3]  # every run may start again, but these come first
    for number in (2, 3):
        search.tell(number, Outcome(COMPLETE, (float(number),)))
    assert search.next_trials(2, "a", nobody, nobody) == []
    assert search.next_trials(1, "a", nobody, str) == [4]
    assert search.trial(4).overrides == search.trial(0).overrides
    assert (search.trial(0).retried_by, search.trial(1).retried_by) == (4, None)
    assert search.twin(4, "r0") is None  # its failed trial is no answer
    assert opened(storage, trials=4).next_trials(2, "b", lambda token: token != "b", nobody) == [4]  # of a dead one
    search.tell(4, Outcome(COMPLETE, (0.0,)))
    assert search.next_trials(2, "a", nobody, str) == [5]
    assert search.next_trials(2, "a", nobody, str) == []
    assert opened(storage, trials=6).next_trials(2, "a", nobody, nobody) == [6, 7]  # they count no trial


def test_failed_trials_of_one_run_are_retried_once(storage: BaseStorage) -> None:
    search = opened(storage, trials=3)
    for number in search.next_trials(3, "a", nobody, nobody):
        search.start(number, "r")
        search.tell(number, Outcome(FAILED, reason="no memory"))
    for last in (3, 4):
        assert search.next_trials(1, "a", nobody, str) == [last]
        assert search.twin(last, "r") is None
        search.start(last, "r")
        assert [one.retried_by for one in search.trials()] == [*[last] * last, None]
        search.tell(last, Outcome(FAILED, reason="again"))
    assert search.next_trials(1, "a", nobody, nobody) == []
