"""What the runs of a sweep are doing now, from their `status.json`, as a table for people."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hybridret.base.errors import UserError
from hybridret.base.markup import printable
from hybridret.reporting.points import DAMAGED, SUMMARY, is_run, run_folders, unfinished
from hybridret.runs.look import look
from hybridret.runs.status import State

if TYPE_CHECKING:
    from rich.table import Table

_ORDER = [str(state) for state in State]
_NONE_YET: Mapping[str, Any] = {"state": str(State.QUEUED), "reason": "no status.json was written"}


def run_states(folder: Path) -> list[dict[str, Any]]:
    """The content of each `status.json` under its `run`, then the points of the last command that have no directory.

    `folder`: of a sweep or of one run. A status that a kill left wrong is mended. Raises UserError where the folder is
    neither or cannot be read.
    """
    if is_run(folder):
        return [_state(folder)]
    folders = run_folders(folder)
    known = {path.name for path in folders}
    rows = [_state(path) for path in folders]
    without, faults = unfinished(folder, [])
    rows += [row for row in without if row["run"] not in known]
    rows += [{"run": SUMMARY, "state": DAMAGED, "reason": fault} for fault in faults]
    if not rows:
        raise UserError(f"{folder} holds no run. Give the folder of a sweep, multirun/SWEEP, or of a run in it.")
    return rows


def counts(rows: Sequence[Mapping[str, Any]]) -> str:
    """`2 finished, 1 running, 3 queued`, in the order of a run's life."""
    found = Counter(str(row.get("state")) for row in rows)
    order = [*(state for state in _ORDER if state in found), *sorted(found.keys() - set(_ORDER))]
    return ", ".join(f"{found[state]} {state}" for state in order)


def state_table(rows: Sequence[Mapping[str, Any]], now: datetime | None = None) -> Table:
    """The rows of `run_states`. A column that nobody fills is left out; `seen` is the time since the last heartbeat."""
    from rich.table import Table

    now = now or datetime.now(UTC)
    columns = {
        "run": [str(row.get("run")) for row in rows],
        "state": [str(row.get("state")) for row in rows],
        "doing": [_doing(row) for row in rows],
        "seen": [_seen(row, now) for row in rows],
        "where": [_where(row) for row in rows],
        "reason": [str(row.get("reason") or "") for row in rows],
    }
    shown = {name: texts for name, texts in columns.items() if any(texts)}
    table = Table(*shown, box=None, pad_edge=False)
    for texts in zip(*shown.values(), strict=True):
        table.add_row(*(printable(text).replace("[", r"\[") for text in texts))
    return table


def _state(folder: Path) -> dict[str, Any]:
    return {**(look(folder) or _NONE_YET), "run": folder.resolve().name}


def _live(row: Mapping[str, Any]) -> bool:
    return row.get("state") == State.RUNNING


def _doing(row: Mapping[str, Any]) -> str:
    if not _live(row) and row.get("state") != State.INTERRUPTED:
        return ""
    done, total = row.get("done") or 0, row.get("total")
    far = f" {done:,}/{total:,}" if isinstance(total, int) and isinstance(done, int) else ""
    return f"{row.get('phase') or ''}{far} {row.get('note') or ''}".strip()


def _seen(row: Mapping[str, Any], now: datetime) -> str:
    try:
        seconds = int((now - datetime.fromisoformat(row["heartbeat"])).total_seconds())
    except (KeyError, TypeError, ValueError):
        return ""
    if not _live(row):
        return ""
    return f"{seconds} s ago" if seconds < 120 else f"{seconds // 60} min ago"


def _where(row: Mapping[str, Any]) -> str:
    if not _live(row):
        return ""
    job = f", job {row['job']}" if row.get("job") else ""
    return f"{row.get('host', '?')}, process {row.get('pid', '?')}{job}"
