"""One point of a sweep: its overrides and its outcome."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from omegaconf import DictConfig

from hybridret.base.errors import DONE, INTERRUPTED, POINT_FAILED, REQUEUE
from hybridret.runs import RunDirectory, State

OPEN = (State.QUEUED, State.RUNNING)


@dataclass
class Point:
    """A point and its state. `run` is None where the config cannot be composed, `config_hash` where not resolved."""

    number: int
    overrides: tuple[str, ...]
    arguments: tuple[str, ...] = ()
    run: RunDirectory | None = None
    config_hash: str | None = None
    gpus: int = 0
    processes: int = 1  # processes that train it together
    state: State = State.QUEUED
    reason: str | None = None
    exit_code: int | None = None  # negative: killed by that signal; None: no process was started
    seconds: float = 0.0
    same_as: int | None = None  # the number of an earlier point with the same run directory
    job: str | None = None  # of a cluster, as its engine names it
    started: float | None = field(default=None, repr=False)  # monotonic
    config: DictConfig | None = field(default=None, repr=False)

    @property
    def label(self) -> str:
        """A label that distinguishes this point from the others, for lines and tables."""
        return self.run.name if self.run is not None else " ".join(self.overrides) or "default"

    def begin(self) -> None:
        self.state, self.started = State.RUNNING, time.monotonic()

    def end(self, state: State, reason: str | None = None, exit_code: int | None = None) -> None:
        self.state, self.reason, self.exit_code = state, reason, exit_code
        if self.started is not None:
            self.seconds = time.monotonic() - self.started

    def record(self) -> dict[str, Any]:
        """The point as a row of `sweep.json`."""
        return {
            "number": self.number,
            "overrides": list(self.overrides),
            "run": self.run.name if self.run is not None else None,
            "state": str(self.state),
            "reason": self.reason,
            "seconds": round(self.seconds, 1),
            "exit_code": self.exit_code,
            "same_as": self.same_as,
            "gpus": self.gpus,
            **({} if self.job is None else {"job": self.job}),
        }


def sweep_exit_code(points: Sequence[Point]) -> int:
    """1 if a point failed; else 75 if one was interrupted or not reached: the same command goes on; else 0."""
    states = {point.state for point in points}
    if State.FAILED in states:
        return POINT_FAILED
    return REQUEUE if states & {State.INTERRUPTED, *OPEN} else DONE


def stopped_exit_code(points: Sequence[Point], code: int) -> int:
    """The exit code of a sweep that was stopped: `code` (130 or 75), unless everything was done already."""
    assert code in (INTERRUPTED, REQUEUE)
    unfinished = any(point.state in (State.INTERRUPTED, *OPEN) for point in points)
    return code if unfinished else sweep_exit_code(points)
