"""A sweep in a few numbers: how many of its runs are done, what they used, when the last one will be."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from hybridret.runs.status import State
from hybridret.sweep.overview.row import Row

_ORDER = [str(state) for state in State]
_OPEN = (State.RUNNING, State.QUEUED)


@dataclass(frozen=True)
class Totals:
    """states: number of runs by state, in the order of a run's life; hours: GPU hours used, planned_hours: expected,
    None where that of a run is not known; end: when the last open run is done if as many run at once as now, None where
    nothing is known of the time that a run takes."""

    states: dict[str, int]
    runs: int
    finished: int
    requeues: int
    hours: float | None
    planned_hours: float | None
    end: datetime | None

    @property
    def over(self) -> bool:
        """Whether nothing runs and nothing waits."""
        return not any(self.states.get(state) for state in _OPEN)


def totals(rows: Sequence[Row], now: datetime) -> Totals:
    """The totals of the rows of one sweep."""
    found = Counter(row.state for row in rows)
    order = [*(state for state in _ORDER if state in found), *sorted(found.keys() - set(_ORDER))]
    return Totals(
        {state: found[state] for state in order},
        len(rows),
        found[State.FINISHED],
        sum(row.requeues for row in rows),
        _sum([row.hours for row in rows if row.hours is not None]),
        _sum([row.planned_hours for row in rows]),
        _end(rows, now),
    )


def _sum(hours: Sequence[float | None]) -> float | None:
    """None where nothing is known, where a part is not, and where no GPU is used."""
    known = [one for one in hours if one is not None]
    return sum(known) if known and len(known) == len(hours) and any(known) else None


def _end(rows: Sequence[Row], now: datetime) -> datetime | None:
    """Running runs end after their time left, waiting ones take as long as finished ones did on average. The time that
    a job waits in a queue is not counted."""
    took = [row.seconds for row in rows if row.state == State.FINISHED and row.seconds]
    usual = sum(took) / len(took) if took else None
    running = [row for row in rows if row.state == State.RUNNING]
    waiting = sum(row.state == State.QUEUED for row in rows)
    if not running and not waiting:
        return None
    left = [row.left if row.left is not None else usual for row in running] + [usual] * waiting
    known = [one for one in left if one is not None]
    if len(known) < len(left):
        return None
    seconds = max(sum(known) / max(1, len(running)), max(known))
    return now + timedelta(seconds=min(seconds, 1e9))
