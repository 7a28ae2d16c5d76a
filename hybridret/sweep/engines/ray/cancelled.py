"""Which jobs were cancelled: a file for each beside their tasks.

Ray stops a job that waits only once it has begun, and a job that was lost cannot be stopped at all. So its end is noted
where both the keeper and whoever looks can see it.
"""

from __future__ import annotations

from pathlib import Path

from hybridret.base.errors import UserError

FOLDER = "cancelled"


def cancel_note(tasks: str, base: str) -> None:
    """Note that the job `base` of a file of tasks is not to come back. Raises UserError where it cannot be written."""
    path = _note(tasks, base)
    try:
        path.parent.mkdir(exist_ok=True)
        path.touch()
    except OSError as error:
        raise UserError(f"{path} cannot be written ({error}), so the job would be started again.") from error


def is_cancelled(tasks: str, base: str) -> bool:
    """Whether somebody cancelled the job."""
    return bool(tasks) and _note(tasks, base).exists()


def _note(tasks: str, base: str) -> Path:
    return Path(tasks).parent / FOLDER / base
