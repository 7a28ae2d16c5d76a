"""What an overview shows of a run, as texts: for the table of a terminal and for the page."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta

from hybridret.base.markup import printable
from hybridret.base.progress_lines import lasting
from hybridret.runs.status import State
from hybridret.sweep.overview.fields import moment
from hybridret.sweep.overview.row import Row
from hybridret.sweep.overview.totals import Totals


def texts(rows: Sequence[Row], now: datetime) -> dict[str, list[str]]:
    """The columns by their titles, one text for each row; a column that nobody fills is left out."""
    columns: Mapping[str, Callable[[Row], str]] = {
        "run": lambda row: row.run,
        "state": lambda row: row.state,
        "doing": _doing,
        "rate": _rate,
        "left": lambda row: "" if row.left is None else lasting(row.left),
        "seen": lambda row: _seen(row, now),
        "where": _where,
        "best": _best,
        "requeues": lambda row: str(row.requeues or ""),
        "reason": lambda row: row.reason,
    }
    filled = {title: [printable(text(row)) for row in rows] for title, text in columns.items()}
    return {title: column for title, column in filled.items() if any(column) or title in ("run", "state")}


def counts(found: Totals) -> str:
    """`1 queued, 2 running, 3 finished`, in the order of a run's life."""
    return ", ".join(f"{number} {state}" for state, number in found.states.items())


def summary(found: Totals, now: datetime) -> list[str]:
    """The totals as short texts, without those that are not known."""
    parts = [f"{found.finished} of {found.runs} done"]
    if found.requeues:
        parts.append(f"{found.requeues} requeue{'s' * (found.requeues > 1)}")
    if found.hours is not None:
        of = f" of {found.planned_hours:,.1f} planned" if found.planned_hours is not None else ""
        parts.append(f"{found.hours:,.1f}{of} GPU hours used")
    if found.end is not None:
        parts.append(f"expected end {found.end.astimezone():%Y-%m-%d %H:%M} (in {_lasting(found.end - now)})")
    return parts


def _lasting(time: timedelta) -> str:
    return lasting(max(0.0, time.total_seconds()))


def _doing(row: Row) -> str:
    if row.state not in (State.RUNNING, State.INTERRUPTED):
        return ""
    far = f" {row.done or 0:,}/{row.total:,}" if row.total is not None else ""
    return f"{row.phase}{far} {row.note}".strip()


def _rate(row: Row) -> str:
    if not row.rate:
        return ""
    return f"{row.rate:,.0f}/s" if row.rate >= 100 else f"{row.rate:.3g}/s"


def _seen(row: Row, now: datetime) -> str:
    if row.state != State.RUNNING:
        return ""
    if (heartbeat := moment(row.heartbeat)) is None:
        return ""
    seconds = int((now - heartbeat).total_seconds())
    return f"{seconds} s ago" if seconds < 120 else f"{seconds // 60} min ago"


def _where(row: Row) -> str:
    live = row.state == State.RUNNING
    node = f"{row.node or '?'}" if live else ""
    process = f"process {row.process}" if live and row.process is not None and row.engine is None else ""
    job = f"job {row.job}" if row.job and row.state in (State.RUNNING, State.QUEUED) else ""
    return ", ".join(part for part in (node, process, job) if part)


def _best(row: Row) -> str:
    if row.best is None:
        return ""
    step = "" if row.best.step is None else f" at {row.best.step:,}"
    return f"{row.best.metric} {row.best.value:.4g}{step}"
