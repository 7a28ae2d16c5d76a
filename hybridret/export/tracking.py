"""Weights & Biases as a mirror of the run directory: same rows, same metrics, nothing that the files do not hold.

Offline unless told otherwise: nothing waits for a network, nothing asks a question. A failure of the tracker never
ends a run, since the files are the record.
"""

from __future__ import annotations

import netrc
import os
import sys
import typing
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import urlparse

import pandas as pd

from hybridret.errors import UserError
from hybridret.files import file_name
from hybridret.settings import LoggerSettings

MODES = ("offline", "online", "disabled")


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
    `dataset/setting/metric@cutoff`, and one table of all per-language values a dataset."""

    def __init__(
        self,
        folder: Path,
        settings: LoggerSettings,
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
        self._failed = False
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
            settings=wandb.Settings(silent=True, console="off", disable_git=True, save_code=False),
        )
        for split in ("train", "validation"):
            self._run.define_metric(f"{split}/*", step_metric="step")

    def history(self, row: Mapping[str, Any]) -> None:
        """Log one row of history.jsonl under its split."""
        values = {f"{row['split']}/{key}": value for key, value in row.items() if key not in ("split", "step")}
        self._attempt(lambda: self._run.log({"step": row["step"], **values}))

    def results(self, metrics: Mapping[str, float], tables: Mapping[str, pd.DataFrame]) -> None:
        """Put macro metrics in the summary and every table under `tables/NAME`."""
        self._attempt(lambda: self._run.summary.update(dict(metrics)))
        for name, table in tables.items():
            self._attempt(
                lambda name=name, table=table: self._run.log(
                    {
                        f"tables/{file_name(name)}": self._wandb.Table(
                            dataframe=table.astype(object).where(table.notna(), None)
                        )
                    }
                )
            )

    def close(self, exit_code: int = 0) -> None:
        """Write what is pending; in online mode wait for the upload."""
        self._attempt(lambda: self._run.finish(exit_code=exit_code))

    def _attempt(self, call: Any) -> None:
        if self._failed:
            return
        try:
            call()
        except (self._wandb.Error, OSError) as error:
            self._failed = True
            print(f"W&B stopped ({error}); the files in the run directory are complete.", file=sys.stderr)


def check_tracker(settings: LoggerSettings) -> None:
    """Raise UserError for an unknown mode, or for online without a key: W&B would ask for one and wait."""
    if settings.mode not in MODES:
        raise UserError(f"logger.mode={settings.mode}: choose one of {', '.join(MODES)}.")
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


def open_tracker(folder: Path, settings: LoggerSettings, **identity: Any) -> Tracker:
    """The tracker that `logger.mode` asks for; one that cannot start is reported and left out."""
    if settings.mode == "disabled":
        return NoTracker()
    import wandb

    try:
        return WandbTracker(folder, settings, **identity)
    except (wandb.Error, OSError) as error:
        print(f"W&B did not start ({error}); the files in the run directory are complete.", file=sys.stderr)
        return NoTracker()
