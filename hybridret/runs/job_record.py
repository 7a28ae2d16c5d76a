"""`job.json` of a run directory: which job of a cluster computes the run, and how each of its attempts ended.

The job is named by whoever submitted it, an attempt is noted by the job itself. States are not kept here: what a run
does stands in its `status.json`, and what its job does is asked of the engine.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from hybridret.base.checksums import read_sealed, write_sealed
from hybridret.base.errors import UserError

FILE = "job.json"
VERSION = 1
JOB = "HYBRIDRET_JOB"  # the variable with the name of a job, where the engine gives its processes none


@dataclass(frozen=True)
class Attempt:
    """One start of a job. Steps are those of the last checkpoint when it began and when it ended, 0 before there is
    one. `ended` is None while it runs, and for ever where it was killed. too_short: its time limit ended it before it
    had trained one step more."""

    job: str
    host: str
    began: str  # ISO time, as `ended`
    step_before: int
    ended: str | None = None
    step_after: int | None = None
    exit_code: int | None = None
    reason: str | None = None
    too_short: bool = False


@dataclass(frozen=True)
class JobRecord:
    """engine: slurm, ray or kubernetes; job: as the engine names it, "1234_5" for a task of an array, "" since a failed
    point was made ready for another one; arguments: those
    of `python -m hybridret.run`; resources: what was asked for; attempts: in their order, those of earlier jobs
    included; earlier: attempts from before a failed point was retried, which no limit counts any more."""

    engine: str
    job: str
    submitted: str  # ISO time
    arguments: tuple[str, ...]
    resources: Mapping[str, Any]
    attempts: tuple[Attempt, ...] = ()
    earlier: tuple[Attempt, ...] = ()

    def set_aside(self) -> JobRecord:
        """The record without a job, whose end says nothing any more, and with no attempt that a limit counts: those
        until now are kept as `earlier`."""
        return replace(self, job="", attempts=(), earlier=(*self.earlier, *self.attempts))

    def with_attempt(self, attempt: Attempt) -> JobRecord:
        """The record with `attempt` behind the others, or in place of the last one if that has the same beginning."""
        last = self.attempts[-1] if self.attempts else None
        same = last is not None and (last.job, last.began) == (attempt.job, attempt.began)
        return replace(self, attempts=(*(self.attempts[:-1] if same else self.attempts), attempt))


def read_job(folder: Path) -> JobRecord | None:
    """The record in a run directory; None where no job was submitted for it. Raises UserError on a damaged file."""
    path = folder / FILE
    if not path.is_file():
        return None
    found = read_sealed(path, "the job of a run", "submit the sweep again")
    try:
        attempts = tuple(Attempt(**one) for one in found["attempts"])
        earlier = tuple(Attempt(**one) for one in found.get("earlier", ()))
        return JobRecord(
            str(found["engine"]),
            str(found["job"]),
            str(found["submitted"]),
            tuple(map(str, found["arguments"])),
            dict(found["resources"]),
            attempts,
            earlier,
        )
    except (KeyError, TypeError, ValueError) as error:
        raise UserError(f"{path}: not the job of a run ({error}). Delete it, then submit the sweep again.") from error


def write_job(folder: Path, record: JobRecord) -> None:
    """Write the record, atomically. Raises UserError when it cannot be written."""
    write_sealed(folder / FILE, {"version": VERSION, **asdict(record)})
