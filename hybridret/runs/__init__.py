"""Run directories `OUTPUT/SWEEP/RUN/`: their names, files, states, lock, and the hash that identifies their config.

Everything that a report, a sweep or a resumed run needs to know lies in these files; nothing is kept elsewhere.
"""

from __future__ import annotations

from hybridret.runs.directory import Decision, RunDirectory
from hybridret.runs.environment import environment
from hybridret.runs.hashing import NOT_HASHED, config_hash
from hybridret.runs.migrations import ADDED_LATER
from hybridret.runs.naming import NOT_NAMED, run_name
from hybridret.runs.status import State, StatusProgress, StatusWriter

__all__ = [
    "ADDED_LATER",
    "NOT_HASHED",
    "NOT_NAMED",
    "Decision",
    "RunDirectory",
    "State",
    "StatusProgress",
    "StatusWriter",
    "config_hash",
    "environment",
    "run_name",
]
