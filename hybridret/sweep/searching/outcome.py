"""What became of the run of a trial, from the files of its directory."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from hybridret.base.errors import UserError
from hybridret.runs import RunDirectory, State
from hybridret.runs.pruning import PRUNED as PRUNED_AT
from hybridret.runs.search_table import COMPLETE, FAILED, OPEN, PRUNED
from hybridret.sweep.searching.objectives import Objective


@dataclass(frozen=True)
class Outcome:
    """state: of `search_table.STATES`; values: of the objectives, of a complete trial alone."""

    state: str
    values: tuple[float, ...] = ()
    reason: str = ""


def outcome(run: RunDirectory, config_hash: str | None, objectives: Sequence[Objective]) -> Outcome:
    """Complete only where the run is finished and has a value of each objective; running where it waits, runs, or was
    interrupted, so that it can go on."""
    try:
        result = run.read_result()
        if result is not None:
            if config_hash is not None and result.get("config_hash") != config_hash:
                return Outcome(FAILED, reason=f"{run.path} holds a run of another config")
            return Outcome(COMPLETE, tuple(one.value(run) for one in objectives))
    except UserError as error:
        return Outcome(FAILED, reason=" ".join(str(error).split()))
    status = run.look()
    state, reason = status.get("state"), str(status.get("reason") or "")
    if state == State.SKIPPED and reason.startswith(PRUNED_AT):
        return Outcome(PRUNED, reason=reason)
    if state in (State.FAILED, State.SKIPPED):
        return Outcome(FAILED, reason=reason or str(state))
    return Outcome(OPEN, reason=reason)
