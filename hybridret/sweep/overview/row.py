"""One row of an overview: what a run does, where, how far it is, and what it has used."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import pairwise
from pathlib import Path
from typing import Any

from hybridret.runs.job_record import JobRecord
from hybridret.runs.status import State
from hybridret.sweep.engines.engine import JobLook, JobState
from hybridret.sweep.overview.best_value import BestValue
from hybridret.sweep.overview.fields import moment, number, text, whole
from hybridret.sweep.overview.reconcile import Truth, of_job, reconcile


@dataclass(frozen=True)
class RunFiles:
    """What the files of a run say. folder: None for a point that never got a directory; status: None where damaged;
    listed: its row in `sweep.json`; faults: what is wrong with files that cannot be read."""

    run: str
    folder: Path | None
    status: Mapping[str, Any] | None
    job: JobRecord | None = None
    best: BestValue | None = None
    listed: Mapping[str, Any] | None = None
    faults: tuple[str, ...] = ()


@dataclass(frozen=True)
class Row:
    """live: a process works on it, or a job does or waits to; done, total: units of the phase; rate: units a second;
    left: seconds until the outermost task of the run is done; seconds: that it has run in all; hours: GPU hours used,
    planned_hours: of its plan, or of the time limit that was asked for where nothing was planned; other_job: one that
    waits or runs for it although another process works on it. None: not known, or there is none."""

    run: str
    state: str
    reason: str
    phase: str = ""
    done: int | None = None
    total: int | None = None
    rate: float | None = None
    left: float | None = None
    note: str = ""
    heartbeat: str | None = None
    node: str | None = None
    process: int | None = None
    engine: str | None = None
    job: str | None = None
    other_job: str | None = None
    requeues: int = 0
    best: BestValue | None = None
    seconds: float | None = None
    hours: float | None = None
    planned_hours: float | None = None
    faults: tuple[str, ...] = ()
    live: bool = False
    truth: Truth | None = None
    folder: Path | None = None


def row_of(files: RunFiles, look: JobLook | None, now: datetime) -> Row:
    """The row of a run; `look`: what the engine says of its job, None where there is none or it did not answer."""
    truth = reconcile(files.status, files.job, look)
    status, job = files.status or {}, files.job
    reason = truth.reason or (files.faults[0] if files.faults else "")
    row = Row(
        files.run, truth.state, reason, best=files.best, faults=files.faults, truth=truth, folder=files.folder,
        seconds=run_seconds(files, look, now), live=truth.state == State.RUNNING or _waits(look),
    )  # fmt: skip
    if status:
        row = replace(
            row,
            phase=text(status, "phase"),
            done=whole(status, "done"),
            total=whole(status, "total"),
            note=text(status, "note"),
            heartbeat=text(status, "heartbeat") or None,
            node=text(status, "host") or None,
            process=whole(status, "pid"),
            job=text(status, "job") or None,
        )
        if truth.state == State.RUNNING and status.get("state") == State.RUNNING:
            row = replace(row, rate=number(status, "rate"), left=number(status, "left"))
    gpus = _gpus(files)
    hours = None if gpus is None or row.seconds is None else gpus * row.seconds / 3600
    if job is None:
        return replace(row, hours=hours)
    own = status.get("state") != State.RUNNING or of_job(status, job)
    expected, minutes = (number(job.resources, key) for key in ("expected_hours", "minutes"))
    if expected is None and minutes is not None:
        expected = minutes / 60
    return replace(
        row,
        engine=job.engine if job.job else None,
        job=(job.job or None) if own else row.job,
        other_job=job.job if not own and _waits(look) else None,
        node=(look.node if own and look is not None else "") or row.node,
        requeues=max(0, len(job.attempts) - 1),
        hours=hours,
        planned_hours=None if gpus is None or expected is None else gpus * expected,
    )


def _waits(look: JobLook | None) -> bool:
    return look is not None and look.state in (JobState.PENDING, JobState.RUNNING)


def run_seconds(files: RunFiles, look: JobLook | None, now: datetime) -> float | None:
    """Seconds that a run has worked: of the attempts of its jobs and what the engine counted, or of `sweep.json`.

    An attempt that was killed has no end: it is taken to have lasted until the next one, or the last sign of life.
    """
    job, status = files.job, files.status or {}
    if job is None:
        seconds = number(files.listed or {}, "seconds")
        return seconds if seconds else None
    counted = look.seconds if look is not None else None
    last = status.get("heartbeat")
    if look is not None and look.state is JobState.RUNNING:
        last = now.isoformat()
    elif counted is not None:
        last = None  # the engine knows it better
    earlier, own = 0.0, 0.0
    attempts = [*job.earlier, *job.attempts]
    for one, following in pairwise([*attempts, None]):
        assert one is not None
        lasted = _between(one.began, one.ended or (following.began if following is not None else last))
        earlier, own = (earlier, own + lasted) if one.job == job.job else (earlier + lasted, own)
    return earlier + max(own, counted or 0.0) or None


def _gpus(files: RunFiles) -> float | None:
    """GPUs of a run on all its nodes, None where nobody noted them."""
    if files.job is None:
        return number(files.listed or {}, "gpus")
    gpus, nodes = (number(files.job.resources, key) for key in ("gpus", "nodes"))
    return None if gpus is None else gpus * (1 if nodes is None else nodes)


def _between(began: object, ended: object) -> float:
    first, last = moment(began), moment(ended)
    return 0.0 if first is None or last is None else max(0.0, (last - first).total_seconds())
