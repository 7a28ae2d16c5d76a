"""Seconds that may be spent, and the order in which cases spend them.

Cases marked `first` come first. Of the others the one with the most worth for each expected second is next, among
those that still fit in the seconds left. What cases of a kind took, against what was expected of them, corrects what is
expected of the next one of that kind.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

from gpu.case import Case, Row, Way

SLOWEST, FASTEST = 5.0, 0.3  # how far a measured pace may correct what was expected
PATIENCE = 3.0  # a case is stopped after so many times its seconds, and `grace`
GRACE = 30.0


class Budget:
    """`seconds` from now on, by `clock`."""

    def __init__(self, seconds: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock, self._begin, self.seconds = clock, clock(), seconds

    def spent(self) -> float:
        return self._clock() - self._begin

    def left(self) -> float:
        return self.seconds - self.spent()


@dataclass(frozen=True)
class Turn:
    """A case whose turn it is, the way to run it, the seconds after which it is stopped, and those left in all."""

    case: Case
    way: Way
    limit: float
    left: float


class Queue:
    """Cases that wait. `names`: of cases that need no turn any more. `grace`: seconds that any case may take longer."""

    def __init__(self, cases: Sequence[Case], names: Iterable[str], budget: Budget, grace: float = GRACE) -> None:
        self._budget, self._grace = budget, grace
        self._tried = set(names)
        self._waiting = [case for case in cases if case.name not in self._tried]
        self._pace: dict[str, float] = {}

    def left_out(self) -> dict[str, str]:
        """Name -> reason of the cases that were not tried."""
        return {case.name: case.missing or self._reason(case) for case in self._waiting}

    def __iter__(self) -> Iterator[Turn]:
        """Ends when no case fits any more."""
        while (turn := self._next()) is not None:
            self._waiting.remove(turn.case)
            self._tried.add(turn.case.name)
            yield turn

    def took(self, case: Case, way: Way, seconds: float, row: Row) -> None:
        """What a case took; a failed one says nothing about the next."""
        if "failed" not in row and way.seconds > 0:
            self._pace[case.kind] = min(SLOWEST, max(FASTEST, seconds / way.seconds))

    def _next(self) -> Turn | None:
        left = self._budget.left()
        ready = [(case, way) for case in self._waiting if (way := self._way(case, left)) is not None]
        if left <= 0 or not ready:
            return None
        # The earlier of two equals, as they are listed: max keeps the first.
        case, way = max(ready, key=lambda one: (one[0].first, one[0].worth / max(self._seconds(*one), 0.1)))
        return Turn(case, way, PATIENCE * self._seconds(case, way) + self._grace, left)

    def _way(self, case: Case, left: float) -> Way | None:
        if case.missing is not None or not set(case.after) <= self._tried | self._hopeless():
            return None
        fitting = (way for way in case.ways if self._seconds(case, way) <= left)
        return next(fitting, case.ways[-1] if case.first else None)

    def _hopeless(self) -> set[str]:
        return {case.name for case in self._waiting if case.missing is not None}

    def _seconds(self, case: Case, way: Way) -> float:
        return way.seconds * self._pace.get(case.kind, 1.0)

    def _reason(self, case: Case) -> str:
        if not set(case.after) <= self._tried | self._hopeless():
            return f"after {', '.join(case.after)}, not all of which were tried"
        least = min(self._seconds(case, way) for way in case.ways)
        return f"about {least:.0f} s, and {max(self._budget.left(), 0.0):.0f} s were left"
