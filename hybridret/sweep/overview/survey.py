"""Look at a sweep: the files of its runs, and one call to each engine for all of its jobs."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from hybridret.base.errors import UserError
from hybridret.reporting.points import is_run, run_folders, unfinished
from hybridret.runs.job_record import JobRecord, read_job
from hybridret.runs.look import correct, look
from hybridret.runs.status import read_status
from hybridret.sweep.engines.engine import Engine, JobLook
from hybridret.sweep.engines.registry import engine
from hybridret.sweep.overview.best_value import BestValue, best_value
from hybridret.sweep.overview.row import Row, RunFiles, row_of
from hybridret.sweep.overview.sweep_file import SweepFile, readable_sweep
from hybridret.sweep.overview.totals import Totals, totals

Engines = Callable[[str], Engine]


@dataclass(frozen=True)
class Survey:
    """A sweep, or one run, as it is `at` a time. faults: what could not be read or asked, each in a sentence."""

    folder: Path
    at: datetime
    rows: tuple[Row, ...]
    totals: Totals
    sweep: SweepFile
    faults: tuple[str, ...]


def survey(folder: Path, engines: Engines = engine, now: datetime | None = None, mend: bool = True) -> Survey:
    """Every run of the sweep `folder`, or the one run that it is, and the points that never got a directory.

    A `status.json` that a kill left wrong is mended, also where only an engine knows how the run ended; `mend` false:
    nothing is written and nothing removed. Raises UserError where the folder is neither a sweep nor a run, or cannot be
    read.
    """
    now = now or datetime.now(UTC)
    single = is_run(folder)
    folders = [folder] if single else run_folders(folder)
    jobs, damaged = _jobs(folders)
    looks, faults = ask(jobs.values(), engines)  # before the statuses are read: what ends meanwhile has written its own
    sweep, fault = readable_sweep(folder.resolve().parent if single else folder)
    if fault is not None and not single:
        faults.append(fault)
    rows: list[Row] = []
    listed = sweep.all_points
    for path in folders:
        job = jobs.get(path)
        files = read_files(path, job, damaged.get(path), listed.get(path.resolve().name), mend)
        rows.append(row_of(files, looks.get((job.engine, job.job)) if job is not None else None, now))
        if mend:
            _mend(rows[-1])
    if not single:
        known = {path.name for path in folders}
        without, _ = unfinished(folder, [])
        rows += [_listed(row) for row in without if row["run"] not in known]
    if not rows and fault is None:
        raise UserError(f"{folder} holds no run. Give the folder of a sweep, multirun/SWEEP, or of a run in it.")
    return Survey(folder, now, tuple(rows), totals(rows, now), sweep, tuple(faults))


def ask(jobs: Iterable[JobRecord], engines: Engines) -> tuple[dict[tuple[str, str], JobLook], list[str]]:
    """What engines say of `jobs`, by engine and job, in one call to each engine; and which one did not answer."""
    names: dict[str, list[str]] = {}
    for job in jobs:
        if job.job:
            names.setdefault(job.engine, []).append(job.job)
    looks: dict[tuple[str, str], JobLook] = {}
    faults: list[str] = []
    for name, own in sorted(names.items()):
        try:
            found = engines(name).look(list(dict.fromkeys(own)))
        except UserError as error:
            faults.append(f"{name} was not asked, so states are those of the files: {error}")
            continue
        looks.update({(name, job): found[job] for job in own if job in found})
    return looks, faults


def read_files(
    path: Path, job: JobRecord | None, damaged: str | None, listed: Mapping[str, Any] | None, mend: bool = True
) -> RunFiles:
    """What the files of a run directory say; `damaged`: what is wrong with its `job.json`; `listed`: its row in
    `sweep.json`."""
    faults = [] if damaged is None else [damaged]
    status: Mapping[str, Any] | None = look(path, mend)  # a result decides whatever a damaged status says
    if not status:
        try:
            read_status(path / "status.json")
        except UserError as error:
            status = None
            faults.append(str(error))
    best: BestValue | None = None
    try:
        best = best_value(path)
    except UserError as error:
        faults.append(str(error))
    return RunFiles(path.resolve().name, path, status, job, best, listed, tuple(faults))


def _jobs(folders: Sequence[Path]) -> tuple[dict[Path, JobRecord], dict[Path, str]]:
    jobs: dict[Path, JobRecord] = {}
    damaged: dict[Path, str] = {}
    for path in folders:
        try:
            if (job := read_job(path)) is not None:
                jobs[path] = job
        except UserError as error:
            damaged[path] = str(error)
    return jobs, damaged


def _mend(row: Row) -> None:
    """Write how a job ended into the status of a run that could not write it."""
    if row.truth is not None and row.truth.by_engine and row.folder is not None:
        correct(row.folder, row.truth.state, row.truth.reason, row.heartbeat)


def _listed(found: Mapping[str, Any]) -> Row:
    return Row(str(found["run"]), str(found["state"]), str(found["reason"]), phase=str(found["phase"]))
