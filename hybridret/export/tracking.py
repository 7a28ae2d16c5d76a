"""Weights & Biases as a mirror of the run directory: same rows, same metrics, nothing that the files do not hold.

Offline by default: nothing waits for a network, nothing asks a question. A failure of the tracker never ends a run,
since the files are the record. Each process that opens the mirror sends the files again from their start: W&B does not
join two offline folders of one run (the folder that is synchronised later replaces the other), and what a killed
process had not sent yet is lost.
"""

from __future__ import annotations

import netrc
import os
import shlex
import shutil
import sys
import typing
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol
from urllib.parse import urlparse

from hybridret.base.errors import UserError
from hybridret.base.files import file_name
from hybridret.base.ranges import check_ranges
from hybridret.base.settings import LoggerSettings

if TYPE_CHECKING:
    import pandas as pd

FLUSHED = 0.1  # seconds


@dataclass(frozen=True)
class Past:
    """What a run's files hold already: rows of history.jsonl in their order (None where they cannot be read), macro
    metrics, and a table by dataset."""

    history: Sequence[Mapping[str, Any]] | None = ()
    metrics: Mapping[str, float] = field(default_factory=dict)
    tables: Mapping[str, pd.DataFrame] = field(default_factory=dict)


class Tracker(Protocol):
    """Where a run's rows and results are shown besides its files."""

    def history(self, row: Mapping[str, Any]) -> None: ...

    def results(self, metrics: Mapping[str, float], tables: Mapping[str, pd.DataFrame]) -> None: ...

    def close(self, exit_code: int = 0) -> None: ...


class NoTracker:
    """Files only."""

    def history(self, row: Mapping[str, Any]) -> None:
        return None

    def results(self, metrics: Mapping[str, float], tables: Mapping[str, pd.DataFrame]) -> None:
        return None

    def close(self, exit_code: int = 0) -> None:
        return None


class WandbTracker:
    """A W&B run: group = sweep, job type = batch strategy, name = run; keys `train/*`, `validation/*`,
    `dataset/setting/metric@cutoff`, and one table of all per-language values a dataset.

    W&B's step is the training step. Offline, the one folder in `folder/wandb` is written anew. Online, the server
    returns how many steps it has, and gets the others.
    """

    def __init__(
        self,
        folder: Path,
        settings: LoggerSettings,
        past: Past = Past(),
        *,
        group: str,
        name: str,
        job_type: str,
        run_id: str,
        config: Mapping[str, Any],
        tags: Sequence[str],
    ) -> None:
        import wandb

        self._wandb = wandb
        self._failed = self._closed = self._logged = False
        self._offline = settings.mode == "offline"
        earlier = [path.resolve() for path in (folder / "wandb").glob("offline-run-*")] if self._offline else []
        with _without_launch():
            self._run = wandb.init(
                mode=typing.cast(Any, settings.mode),
                dir=str(folder),
                project=settings.project,
                entity=settings.entity,
                group=group,
                job_type=job_type,
                name=name,
                id=run_id,
                resume="allow",
                tags=list(dict.fromkeys(tag[:64] for tag in (*settings.tags, *tags))),
                config=dict(config),
                settings=wandb.Settings(
                    silent=True, console="off", disable_git=True, save_code=False, **_flushed(wandb)
                ),
            )
        for split in ("train", "validation"):
            self._run.define_metric(f"{split}/*", step_metric="step")
        self._known = self._run.starting_step  # lower steps are on the server
        for row in sorted(past.history or (), key=lambda row: row["step"]):
            self.history(row)
        if self._offline and past.metrics:
            self.results(past.metrics, past.tables)
        whole = past.history is not None and not self._failed
        for path in earlier if whole else ():  # only now: the new folder holds all that they held
            if path != Path(self._run.dir).parent.resolve():
                shutil.rmtree(path, ignore_errors=True)

    def history(self, row: Mapping[str, Any]) -> None:
        """Log one row of history.jsonl under its split, at its step."""
        step = row["step"]
        if step < self._known:
            return
        self._logged = True
        values = {f"{row['split']}/{key}": value for key, value in row.items() if key not in ("split", "step")}
        self._attempt(lambda: self._run.log({"step": step, **values}, step=step))

    def results(self, metrics: Mapping[str, float], tables: Mapping[str, pd.DataFrame]) -> None:
        """Put macro metrics in the summary and every table under `tables/NAME`."""
        self._logged = True
        self._attempt(lambda: self._run.summary.update(dict(metrics)))
        if tables:
            self._attempt(lambda: self._run.log({f"tables/{file_name(k)}": self._table(v) for k, v in tables.items()}))

    def close(self, exit_code: int = 0) -> None:
        """Write what is pending, once; in online mode wait for the upload. Prints how to upload what is offline, where
        there is anything."""
        if self._closed:
            return
        self._closed = True
        folder = Path(self._run.dir).parent
        self._attempt(lambda: self._run.finish(exit_code=exit_code))
        self._attempt(self._wandb.teardown)  # W&B's process has written everything when it ends
        if self._offline and self._logged and not self._failed:
            print(f"W&B, to upload it: wandb sync {shlex.quote(_from_here(folder))}")

    def _table(self, table: pd.DataFrame) -> Any:
        return self._wandb.Table(dataframe=table.astype(object).where(table.notna(), None))

    def _attempt(self, call: Any) -> None:
        if self._failed:
            return
        try:
            call()
        except Exception as error:  # W&B raises errors of many types; none may end a run
            self._failed = True
            print(f"W&B stopped ({error}); the files in the run directory are complete.", file=sys.stderr)


def check_tracker(settings: LoggerSettings) -> None:
    """Raise UserError for an unknown mode, or for online without a key: W&B would ask for one and wait."""
    check_ranges(settings, "logger")
    if settings.mode == "online" and not _has_key():
        raise UserError(
            "logger.mode=online needs a W&B key: run `wandb login` once or set WANDB_API_KEY, or use logger=wandb "
            "(offline; upload later with `wandb sync`) or logger=none."
        )


def _has_key() -> bool:
    if os.environ.get("WANDB_API_KEY"):
        return True
    host = urlparse(os.environ.get("WANDB_BASE_URL", "https://api.wandb.ai")).hostname or ""
    path = Path(os.environ.get("NETRC", Path.home() / ".netrc"))
    try:
        return netrc.netrc(str(path)).authenticators(host) is not None
    except (OSError, netrc.NetrcParseError):
        return False


@contextmanager
def _without_launch() -> Iterator[None]:
    """Each run of W&B looks for inputs that its own job agents staged, and imports those agents and its public API for
    this, which takes 0.3 s; nothing is ever staged here.
    """
    from wandb.sdk.wandb_run import Run

    name = "_detect_and_apply_job_inputs"
    before = getattr(Run, name, None)
    if before is None:  # another version
        yield
        return
    setattr(Run, name, lambda run: None)
    try:
        yield
    finally:
        setattr(Run, name, before)


def _flushed(wandb: Any) -> dict[str, Any]:
    """Settings that write rows to the file soon, not every 15 s: a kill loses the rest. Older versions lack this."""
    name = "x_transaction_log_flush_interval"
    return {name: FLUSHED} if name in wandb.Settings.model_fields else {}


def _from_here(path: Path) -> str:
    try:
        return str(path.resolve().relative_to(Path.cwd()))
    except ValueError:
        return str(path)


def open_tracker(folder: Path, settings: LoggerSettings, past: Past, **identity: Any) -> Tracker:
    """The tracker that `logger.mode` asks for; one that cannot start is reported and left out."""
    if settings.mode == "disabled":
        return NoTracker()

    try:
        return WandbTracker(folder, settings, past, **identity)
    except Exception as error:  # as in `WandbTracker._attempt`
        print(f"W&B did not start ({error}); the files in the run directory are complete.", file=sys.stderr)
        return NoTracker()
