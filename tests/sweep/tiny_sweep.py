"""Sweeps of tiny trainings that a test disturbs on a real cluster, and the same on this machine to compare with."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from hybridret.runs.job_record import JobRecord, read_job

ROOT = Path(__file__).resolve().parent.parent.parent
STEPS = 2000
#: Seven seconds of training or more, which a test can disturb at any step: `status.json` is written once a second.
LONGER = (
    "model=nano", "logger=none", "backbone.dropout=0.1", "backbone.vocabulary_size=300", "data=jsonl",
    "training.batch_size=8", f"training.steps={STEPS}", "training.validate_every=200", "training.validation_batches=2",
    "training.checkpoint_every=20", "sweep=s",
)  # fmt: skip
Files = dict[int, dict[str, bytes]]  # by seed


def environment(**more: str) -> dict[str, str]:
    return {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": str(ROOT), **more}


def files_of(run: Path) -> dict[str, bytes]:
    """What must be the same to the last bit."""
    names = ("metrics.csv", "checkpoints/best/model.safetensors")
    return {name: (run / name).read_bytes() for name in names}


def local_sweep(folder: Path, pairs: Path, seeds: Sequence[int], *more: str) -> Files:
    """The files of each seed, from `hydra/launcher=process`, with `more` arguments."""
    asked = f"seed={','.join(map(str, seeds))}"
    command = [sys.executable, "-m", "hybridret.run", "-m", *LONGER, f"data.path={pairs}", asked, *more]
    subprocess.run(
        [*command, "hydra.launcher.n_jobs=2"], cwd=folder, env=environment(), check=True, capture_output=True
    )
    return {seed: files_of(next(folder.glob(f"multirun/s/*seed-{seed}"))) for seed in seeds}


class TinySweep:
    """What can be seen of a sweep from outside. `folder`: where its commands are given."""

    folder: Path

    def wait(self, holds: Callable[[], bool], what: str, seconds: float = 120.0) -> None:
        """Wait for the cluster, which gives no other sign."""
        raise NotImplementedError

    def run(self, seed: int) -> Path:
        return next((self.folder / "multirun" / "s").glob(f"*seed-{seed}"))

    def record(self, seed: int) -> JobRecord:
        found = read_job(self.run(seed))
        assert found is not None
        return found

    def status(self, seed: int) -> dict[str, Any]:
        found: dict[str, Any] = json.loads((self.run(seed) / "status.json").read_text())
        return found

    def reaches(self, seed: int, step: int) -> None:
        """Wait until a point trains and is at `step`."""

        def there() -> bool:
            with suppress(StopIteration, OSError, ValueError):
                status = self.status(seed)
                return status["phase"] == "train" and status["state"] == "running" and status["done"] >= step
            return False

        self.wait(there, f"step {step} of seed {seed}")
