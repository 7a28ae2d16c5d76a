"""The true state of a run, whatever `status.json` holds: a killed process cannot correct that file.

`result.json` decides, then the lock, then, where files cannot be locked, the heartbeat. A process that looks
also corrects the file.
"""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import Any

from hybridret.base.checksums import write_sealed
from hybridret.base.errors import UserError
from hybridret.runs.leftovers import leftovers, remove_leftovers
from hybridret.runs.lock import unowned
from hybridret.runs.status import State, read_status
from hybridret.runs.sums import read_result

LOST = "its process ended without a word: it was killed, or its machine was"


def look(folder: Path, mend: bool = True) -> dict[str, Any]:
    """The correct content of `status.json`, {} where nothing is known of the run. Where no process owns the directory
    and it can be written, the file is corrected and the leftovers of killed processes are removed; `mend` false: not.
    """
    stored = _stored(folder)
    if stored.get("state") == State.FINISHED and _finished(folder) and not (mend and any(leftovers(folder))):
        return stored
    lock = folder / ".lock"
    if not lock.exists() and not _finished(folder) and stored.get("state") not in (State.RUNNING, State.FINISHED):
        return stored  # no process ever worked here
    with unowned(lock, folder / "status.json") as free:
        stored = _stored(folder)  # another process may have corrected it
        true = _true(folder, stored, free)
        if free and mend:
            remove_leftovers(folder)
        if free and mend and true != stored:
            with suppress(UserError):  # the next process that looks will try again
                write_sealed(folder / "status.json", true)
    return true


def _true(folder: Path, stored: dict[str, Any], free: bool | None) -> dict[str, Any]:
    state = stored.get("state")
    if _finished(folder):
        if state == State.FINISHED:
            return stored
        return stored | {"state": str(State.FINISHED), "reason": None, "config_hash": _hash(folder, stored)}
    if free is False:
        return stored if state == State.RUNNING else stored | {"state": str(State.RUNNING), "reason": None}
    if state == State.FINISHED:
        return stored | {"state": str(State.INTERRUPTED), "reason": "its result.json is not there"}
    if state == State.RUNNING:
        return stored | {"state": str(State.INTERRUPTED), "reason": LOST}
    return stored


def _finished(folder: Path) -> bool:
    return (folder / "result.json").is_file()


def _hash(folder: Path, stored: dict[str, Any]) -> Any:
    with suppress(UserError):
        return read_result(folder / "result.json").get("config_hash")
    return stored.get("config_hash")


def _stored(folder: Path) -> dict[str, Any]:
    try:
        return read_status(folder / "status.json") or {}
    except UserError:
        return {}


def correct(folder: Path, state: str, reason: str, heartbeat: str | None) -> None:
    """Write how a run ended that no process works on any more, as its engine says. Only where the status is still the
    one with `heartbeat`: a later one is of somebody who knows more."""
    with unowned(folder / ".lock", folder / "status.json") as free:
        stored = _stored(folder)
        if free is False or not stored or _finished(folder) or stored.get("heartbeat") != heartbeat:
            return
        if (stored.get("state"), stored.get("reason")) != (state, reason):
            with suppress(UserError):
                write_sealed(folder / "status.json", stored | {"state": state, "reason": reason})
