"""The order of cases and their seconds, by a clock that only the cases move."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from gpu.budget import Budget, Queue
from gpu.case import Case, Way

SIZES = (8192, 1024)


def case(name: str, worth: float, *seconds: float, **more: object) -> Case:
    ways = tuple(Way({"way": number}, one) for number, one in enumerate(seconds))
    return Case(name, str(more.pop("kind", name)), worth, ways, **more)  # type: ignore[arg-type]


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def spend(
    queue: Queue, clock: Clock, took: Callable[[str, float], float] = lambda name, expected: expected
) -> list[str]:
    """The names and ways in their order; each case moves the clock by what it `took`."""
    order = []
    for turn in queue:
        seconds = took(turn.case.name, turn.way.seconds)
        clock.now += seconds
        queue.took(turn.case, turn.way, seconds, {})
        order.append(f"{turn.case.name} {turn.way.options['way']}")
    return order


def test_first_ones_come_first_and_then_worth_per_second() -> None:
    clock = Clock()
    cases = [case("slow", 10, 100), case("dear", 30, 100), case("cheap", 1, 2), case("check", 0.1, 50, first=True)]
    queue = Queue(cases, (), Budget(1000, clock))
    assert spend(queue, clock) == ["check 0", "cheap 0", "dear 0", "slow 0"]
    assert queue.left_out() == {}


def test_equals_come_in_the_order_in_which_they_are_listed() -> None:
    clock = Clock()
    names = ["c", "a", "b"]
    assert spend(Queue([case(name, 1, 1) for name in names], (), Budget(10, clock)), clock) == ["c 0", "a 0", "b 0"]


def test_a_smaller_way_is_taken_where_seconds_are_short() -> None:
    clock = Clock()
    queue = Queue([case("small", 50, 30), case("large", 10, 80, 40, 10)], (), Budget(100, clock))
    assert spend(queue, clock) == ["small 0", "large 1"]  # 70 s are left: 80 do not fit, 40 do
    assert clock.now == 170


def test_what_does_not_fit_is_left_out_with_its_reason() -> None:
    clock = Clock()
    cases = [case("a", 5, 50), case("b", 1, 60), case("c", 1, missing="torchao is not installed")]
    queue = Queue(cases, (), Budget(100, clock))
    assert spend(queue, clock) == ["a 0"]
    assert queue.left_out() == {"b": "about 60 s, and 50 s were left", "c": "torchao is not installed"}


def test_a_budget_is_never_begun_beyond_its_end() -> None:
    clock = Clock()
    queue = Queue([case(name, 1, 30, 10) for name in "abcdef"], (), Budget(100, clock))
    spend(queue, clock)
    assert clock.now <= 200


def test_slow_cases_correct_what_is_expected_of_their_kind() -> None:
    clock = Clock()
    cases = [case("one", 9, 10, kind="train"), case("two", 5, 10, kind="train"), case("other", 1, 10, kind="search")]
    queue = Queue(cases, (), Budget(60, clock))
    order = spend(queue, clock, lambda name, expected: 40.0 if name == "one" else expected)
    assert order == ["one 0", "other 0"]  # two would take 40 s now, and 20 are left
    assert queue.left_out() == {"two": "about 40 s, and 10 s were left"}


def test_a_failed_case_says_nothing_about_the_pace() -> None:
    clock = Clock()
    cases = [case("one", 9, 10, kind="train"), case("two", 5, 10, kind="train")]
    queue = Queue(cases, (), Budget(60, clock))
    order = []
    for turn in queue:
        clock.now += 1
        queue.took(turn.case, turn.way, 1000.0, {"failed": "out of memory"})
        order.append(turn.case.name)
    assert order == ["one", "two"]


def test_a_case_waits_for_those_before_it_whether_they_work_or_cannot() -> None:
    clock = Clock()
    cases = [
        case("best", 100, 1, after=("flash", "packed", "sdpa")),
        case("flash", 1, 1),
        case("packed", 1, missing="no recipe"),
        case("sdpa", 1, 1),
    ]
    assert spend(Queue(cases, (), Budget(10, clock)), clock) == ["flash 0", "sdpa 0", "best 0"]


def test_a_case_whose_forerunners_do_not_fit_is_left_out() -> None:
    clock = Clock()
    queue = Queue([case("large", 9, 1, after=("small",)), case("small", 1, 50)], (), Budget(10, clock))
    assert spend(queue, clock) == []
    assert queue.left_out()["large"] == "after small, not all of which were tried"


def test_what_was_measured_before_has_no_turn_and_lets_others_go_on() -> None:
    clock = Clock()
    cases = [case("small", 1, 5), case("large", 1, 5, after=("small",))]
    assert spend(Queue(cases, ["small"], Budget(10, clock)), clock) == ["large 0"]


@pytest.mark.parametrize(("left", "limit"), [(1000.0, 60.0), (20.0, 60.0)])
def test_a_case_is_stopped_after_three_times_its_seconds_and_some(left: float, limit: float) -> None:
    clock = Clock()
    turn = next(iter(Queue([case("a", 1, 10)], (), Budget(left, clock))))
    assert (turn.limit, turn.left) == (limit, left)
