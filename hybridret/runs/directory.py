"""One run directory: the paths of its files, its owner, and its progress.

    multirun/SWEEP/RUN/ config.yaml environment.json status.json history.jsonl checkpoints/{last.ckpt,best/}
                        metrics.csv queries.parquet result.json evaluations/NAME/ log.txt

`result.json` is written last and atomically, and only it makes a run finished (docs/pitfalls.md#run-directories,
docs/pitfalls.md#failing-points).
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

from hybridret.base.errors import UserError
from hybridret.runs.curve import append_row, keep_rows, read_rows
from hybridret.runs.leftovers import remove_leftovers
from hybridret.runs.lock import exclusive, in_use, unowned
from hybridret.runs.look import look
from hybridret.runs.status import State, read_status, write_status
from hybridret.runs.sums import check_sum, read_result, write_result


class Decision(StrEnum):
    """What to do in a run directory: nothing, go on from `checkpoints/last.ckpt`, or start."""

    FINISHED = "finished"
    RESUME = "resume"
    FRESH = "fresh"


@dataclass(frozen=True)
class RunDirectory:
    """The paths and records of one run. Making the object touches nothing on disk.

    >>> run = RunDirectory(Path("multirun/default/batching-mono_seed-1"))
    >>> run.name, run.sweep
    ('batching-mono_seed-1', 'default')
    """

    path: Path

    @property
    def name(self) -> str:
        return self.path.name

    @property
    def sweep(self) -> str:
        return self.path.parent.name

    @property
    def config(self) -> Path:
        return self.path / "config.yaml"

    @property
    def environment(self) -> Path:
        return self.path / "environment.json"

    @property
    def status(self) -> Path:
        return self.path / "status.json"

    @property
    def history(self) -> Path:
        return self.path / "history.jsonl"

    @property
    def checkpoints(self) -> Path:
        return self.path / "checkpoints"

    @property
    def last_checkpoint(self) -> Path:
        """Everything that an exact resume needs."""
        return self.checkpoints / "last.ckpt"

    @property
    def best_checkpoint(self) -> Path:
        """A folder with the encoder of the best validation."""
        return self.checkpoints / "best"

    @property
    def metrics(self) -> Path:
        return self.path / "metrics.csv"

    @property
    def queries(self) -> Path:
        return self.path / "queries.parquet"

    @property
    def result(self) -> Path:
        return self.path / "result.json"

    @property
    def log(self) -> Path:
        """What the process of a sweep point printed."""
        return self.path / "log.txt"

    def evaluation(self, name: str) -> Path:
        """The folder of an evaluation that was added later."""
        return self.path / "evaluations" / name

    def lock(self, check: Callable[[], None] = lambda: None) -> AbstractContextManager[None]:
        """Hold the directory for a block; a second process gets a UserError that names the first. `check` is called
        during the wait, and may raise."""
        return exclusive(self.path / ".lock", check)

    def decide(self, config_hash: str) -> Decision:
        """What `claim` would return, without changing anything; for a sweep that plans its points.

        Raises UserError when the directory holds a run of another config.
        """
        if (result := self.read_result()) is not None:
            self._check(str(result.get("config_hash")), config_hash)
            return Decision.FINISHED
        if self.last_checkpoint.is_symlink() and not self.last_checkpoint.exists():
            raise UserError(
                f"{self.last_checkpoint} names {os.readlink(self.last_checkpoint)}, which is not there. Copy the run "
                f"directory again with its folder sharded-STEP, or delete the link to start anew."
            )
        status = read_status(self.status) or {}
        started = self.last_checkpoint.exists() or status.get("state") not in (None, State.QUEUED, State.SKIPPED)
        if started and status.get("config_hash"):
            self._check(str(status["config_hash"]), config_hash)
        elif self.last_checkpoint.exists():
            raise UserError(
                f"{self.path} holds a checkpoint, but its status.json does not say of which config. Choose another "
                f"folder with sweep=NAME, or delete {self.path} to start anew."
            )
        return Decision.RESUME if self.last_checkpoint.exists() else Decision.FRESH

    def claim(self, config_hash: str) -> Decision:
        """Decide; for a fresh start, also remove what a run that never reached a checkpoint left.

        Call it while holding `lock()`. Raises UserError when the directory holds a run of another config, or cannot be
        written.
        """
        decision = self.decide(config_hash)
        remove_leftovers(self.path)
        if decision is Decision.FRESH:
            try:
                self.path.mkdir(parents=True, exist_ok=True)
                for file in (self.history, self.metrics, self.queries):
                    file.unlink(missing_ok=True)
                if self.checkpoints.is_dir():
                    shutil.rmtree(self.checkpoints)
            except OSError as error:
                raise UserError(
                    f"Cannot write in {self.path}: {error.strerror or error}. Choose another folder with output=FOLDER."
                ) from error
        return decision

    def write_status(self, state: State, config_hash: str | None, reason: str | None = None) -> None:
        """Write `status.json` for a run that no process works on: queued, or killed by a signal. The status of a live
        owner is left alone."""
        with unowned(self.path / ".lock", self.status) as free:
            if free is not False:
                write_status(self.status, state, config_hash, reason)

    def in_use(self) -> str | None:
        """Which process works here and what to do about it, None where no process does."""
        return in_use(self.path / ".lock", self.status)

    def look(self) -> dict[str, Any]:
        """The true status, {} where nothing is known; a `status.json` that is wrong after a kill is corrected."""
        return look(self.path)

    def read_status(self) -> dict[str, Any] | None:
        """The content of `status.json`, None where there is none."""
        return read_status(self.status)

    def append_history(self, row: Mapping[str, Any]) -> None:
        """Append one row to `history.jsonl`; the system has it when this returns."""
        append_row(self.history, row)

    def read_history(self) -> list[dict[str, Any]]:
        """The rows of `history.jsonl`, without a last line that a kill cut short.

        Raises UserError for a broken row and for one that was changed after it was written. Rows of earlier versions
        have no CRC-32.
        """
        check_sum(self.history)
        return read_rows(self.history)

    def truncate_history(self, step: int) -> int:
        """Drop the rows after `step` and a line cut short: a resumed run writes them again. Returns how many stay."""
        return keep_rows(self.history, step)

    def write_result(self, result: Mapping[str, Any]) -> None:
        """Write `result.json`, which makes the run finished: the last thing that a run does."""
        if not result.get("config_hash"):
            raise ValueError("a result names the hash of its config")
        write_result(self.result, result)

    def read_result(self) -> dict[str, Any] | None:
        """The content of `result.json`, None for a run that is not finished. Raises UserError when it is broken."""
        if not self.result.is_file():
            return None
        return read_result(self.result)

    def _check(self, held: str, config_hash: str) -> None:
        if held != config_hash:
            raise UserError(
                f"{self.path} holds a run of another config (hash {held}, now {config_hash}; compare with its "
                f"config.yaml). Choose another folder with sweep=NAME, or delete {self.path} if nobody needs it."
            )
