"""An overview as JSON, for other programs; docs/clusters/status.md documents the keys, which stay."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from hybridret.sweep.overview.row import Row
from hybridret.sweep.overview.survey import Survey

VERSION = 1
_KEYS = (
    "run", "state", "reason", "phase", "done", "total", "rate", "left", "note", "heartbeat", "node", "process",
    "engine", "job", "requeues",
)  # fmt: skip


def as_json(found: Survey) -> dict[str, Any]:
    """`folder`, `at`, `totals`, `faults` and a list `runs`."""
    own = found.totals
    return {
        "version": VERSION,
        "folder": str(found.folder),
        "at": found.at.isoformat(timespec="seconds"),
        "over": own.over,
        "totals": {
            "runs": own.runs,
            "finished": own.finished,
            "states": own.states,
            "requeues": own.requeues,
            "gpu_hours": own.hours,
            "planned_gpu_hours": own.planned_hours,
            "expected_end": own.end.isoformat(timespec="seconds") if own.end is not None else None,
        },
        "faults": list(found.faults),
        "runs": [_run(row) for row in found.rows],
    }


def _run(row: Row) -> dict[str, Any]:
    return {
        **{key: getattr(row, key) for key in _KEYS},
        "best": asdict(row.best) if row.best is not None else None,
        "seconds": row.seconds,
        "gpu_hours": row.hours,
        "planned_gpu_hours": row.planned_hours,
        "faults": list(row.faults),
    }
