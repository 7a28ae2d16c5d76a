"""Whether a job goes back into the queue after an attempt, and why not: pure functions of what is known of it.

One owner of requeueing: after a stop that SLURM itself ordered (TERM: `scancel`, `scontrol requeue`, preemption) SLURM
knows whether the job comes back, and the job asks for nothing. After a warning (USR1), at the time limit itself (TERM
and LIMIT) and after a failure nobody else brings it back.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from hybridret.base.errors import BAD_INPUT, DONE, INTERRUPTED, POINT_FAILED, REQUEUE
from hybridret.runs import State
from hybridret.runs.job_record import Attempt
from hybridret.sweep.engines.task_list import Persistence
from hybridret.sweep.queue.own_job import GO_ON, LIMIT

DEATHS = 3  # at the same step: more attempts would end there, too


@dataclass(frozen=True)
class Verdict:
    """`again`: put the job back into the queue; else it leaves with `code`. `reason`: what to note in both cases."""

    again: bool
    code: int
    reason: str | None


def verdict(
    state: State,
    code: int,
    reason: str | None,
    heard: Sequence[str],
    attempts: Sequence[Attempt],
    restarts: int,
    persistence: Persistence,
) -> Verdict:
    """state, code, reason: the outcome of the point (code negative: killed by that signal); heard: the signals that
    the job had, "TERM" or "USR1", and LIMIT where TERM came at the time limit; attempts: those of this job, the one
    that just ended included; restarts: how often SLURM has started it again.
    """
    if state in (State.FINISHED, State.SKIPPED):
        return Verdict(False, DONE, reason)
    if state is State.RUNNING:  # of another process, which is not disturbed
        return Verdict(False, BAD_INPUT, reason)
    if "TERM" in heard and LIMIT not in heard:
        return Verdict(False, REQUEUE, reason)
    leaving = _exit_code(code)
    if state is State.INTERRUPTED:
        if GO_ON not in heard and LIMIT not in heard:
            return Verdict(False, leaving, reason)
        if (step := stuck(attempts)) is not None:
            short = "its time limit is too short to come further"
            return Verdict(False, POINT_FAILED, f"was stopped {DEATHS} times at step {step:,}: {short}")
        return _again(restarts, persistence, REQUEUE, "stopped before its time was over")
    if code == BAD_INPUT:  # it would be refused again
        return Verdict(False, BAD_INPUT, reason)
    if (step := stuck(attempts)) is not None:
        return Verdict(False, leaving, f"died {DEATHS} times at step {step:,}: {reason}")
    failures = sum(died(one) for one in attempts)
    if failures > persistence.retries:
        return Verdict(False, leaving, reason)
    return _again(restarts, persistence, leaving, reason or "failed")


def _again(restarts: int, persistence: Persistence, code: int, reason: str) -> Verdict:
    if restarts >= persistence.max_requeues:
        return Verdict(False, code, f"{reason}; its job went back into the queue {restarts} times, which is the limit")
    return Verdict(True, code, reason)


def stuck(attempts: Sequence[Attempt], step: int | None = None) -> int | None:
    """The step at which the last DEATHS attempts all died, None where they did not. `step`: of the checkpoint now,
    where the last attempt was killed before it could note its end.
    """
    last = attempts[-DEATHS:]
    if len(last) < DEATHS or not all(died(one) for one in last):
        return None
    after = [*(one.step_before for one in last[1:]), last[-1].step_after if step is None else step]
    steps = {one.step_after if one.step_after is not None else later for one, later in zip(last, after, strict=True)}
    steps |= {last[0].step_before}
    return steps.pop() if len(steps) == 1 and None not in steps else None


def died(attempt: Attempt) -> bool:
    """Whether an attempt ended badly: with an error, by a signal, without a word, or without a step in its time."""
    return attempt.ended is None or attempt.too_short or attempt.exit_code not in (DONE, REQUEUE, INTERRUPTED)


def _exit_code(code: int) -> int:
    """As a shell has it: 128 and the number of the signal that killed the point."""
    return 128 - code if code < 0 else code or POINT_FAILED
