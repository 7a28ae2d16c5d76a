"""Whether a job goes back into the queue."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest

from hybridret.runs import State
from hybridret.runs.job_record import Attempt
from hybridret.sweep.engines.task_list import Persistence
from hybridret.sweep.queue.verdict import Verdict, stuck, verdict

AGAIN = "stopped before its time was over"
PERSISTENCE = Persistence(retries=5, max_requeues=4)


def attempt(before: int, after: int | None, code: int | None = 1) -> Attempt:
    return Attempt("7_0", "node", f"{before}", before, None if code is None else "later", after, code)


def asked(
    state: State, code: int, heard: Sequence[str] = (), attempts: Sequence[Attempt] = (), restarts: int = 0
) -> Verdict:
    return verdict(state, code, "it broke", heard, attempts, restarts, PERSISTENCE)


def test_what_is_done_stays_done() -> None:
    assert asked(State.FINISHED, -9, ["USR1"]) == Verdict(False, 0, "it broke")
    assert asked(State.SKIPPED, 2) == Verdict(False, 0, "it broke")


def test_after_a_warning_the_job_comes_back_until_the_limit() -> None:
    assert asked(State.INTERRUPTED, 75, ["USR1"], restarts=3).again
    last = asked(State.INTERRUPTED, 75, ["USR1"], restarts=4)
    assert (last.again, last.code) == (False, 75)
    assert "4 times, which is the limit" in str(last.reason)


@pytest.mark.parametrize("heard", [["TERM"], ["USR1", "TERM"], ["TERM", "USR1"]])
def test_what_slurm_ended_slurm_brings_back(heard: list[str]) -> None:
    assert asked(State.INTERRUPTED, 75, heard) == Verdict(False, 75, "it broke")
    assert not asked(State.FAILED, -9, heard).again


@pytest.mark.parametrize("heard", [["TERM", "LIMIT"], ["USR1", "TERM", "LIMIT"]])
def test_at_its_time_limit_slurm_brings_nothing_back(heard: list[str]) -> None:
    assert asked(State.INTERRUPTED, 75, heard, [attempt(0, 5, 75)], restarts=3) == Verdict(True, 75, AGAIN)
    assert asked(State.FAILED, -9, heard, [attempt(0, 5, -9)]).again
    assert not asked(State.INTERRUPTED, 75, heard, [attempt(0, 5, 75)], restarts=4).again


@pytest.mark.parametrize("heard", [["TERM", "LIMIT"], ["USR1"]])
def test_a_time_limit_that_is_too_short_three_times_is_enough(heard: list[str]) -> None:
    short = replace(attempt(7, 7, 75), too_short=True)
    found = asked(State.INTERRUPTED, 75, heard, [short] * 3)
    assert (found.again, found.code) == (False, 1)
    assert "was stopped 3 times at step 7: its time limit is too short" in str(found.reason)
    assert asked(State.INTERRUPTED, 75, heard, [short] * 2).again
    assert asked(State.INTERRUPTED, 75, heard, [short, attempt(7, 7, 75), short]).again  # preempted meanwhile
    assert asked(State.INTERRUPTED, 75, heard, [replace(attempt(1, 7, 75), too_short=True), short, short]).again


def test_a_signal_to_the_point_alone_is_no_order_to_come_back() -> None:
    assert asked(State.INTERRUPTED, 75) == Verdict(False, 75, "it broke")


def test_a_failure_is_tried_again_but_not_bad_input() -> None:
    assert asked(State.FAILED, 1, attempts=[attempt(0, 5)]) == Verdict(True, 1, "it broke")
    assert asked(State.FAILED, 2, attempts=[attempt(0, 5)]) == Verdict(False, 2, "it broke")
    assert asked(State.FAILED, -9, attempts=[attempt(5 * n, 5 * n + 5, -9) for n in range(6)]).code == 137
    assert asked(State.FAILED, 1, attempts=[attempt(5 * n, 5 * n + 5) for n in range(5)]).again
    assert not asked(State.FAILED, 1, attempts=[attempt(5 * n, 5 * n + 5) for n in range(6)]).again
    assert not asked(State.FAILED, 1, restarts=4, attempts=[attempt(0, 5)]).again


def test_three_deaths_at_one_step_are_enough() -> None:
    found = asked(State.FAILED, 1, attempts=[attempt(0, 20), attempt(20, 20), attempt(20, 20), attempt(20, 20)])
    assert found == Verdict(False, 1, "died 3 times at step 20: it broke")
    assert asked(State.FAILED, 1, attempts=[attempt(0, 20), attempt(20, 20), attempt(20, 20)]).again
    assert asked(State.FAILED, 1, attempts=[attempt(20, 20), attempt(20, 20, 75), attempt(20, 20)]).again
    assert asked(State.FAILED, 1, attempts=[attempt(10, 20), attempt(20, 20), attempt(20, 30)]).again


def test_deaths_without_a_word_count_too() -> None:
    silent = [attempt(20, None, None)] * 3
    assert stuck(silent, 20) == 20
    assert stuck(silent, 25) is None
    assert stuck(silent[:2], 20) is None
    assert stuck([attempt(10, None, None), *silent[:2]], 20) is None
    assert stuck([*silent[:2], attempt(20, 20)]) == 20


def test_another_process_is_not_disturbed() -> None:
    assert asked(State.RUNNING, 2) == Verdict(False, 2, "it broke")
