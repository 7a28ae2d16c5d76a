"""Sweeps of tiny trainings on a real Ray cluster, and the same on this machine to compare with."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from local_ray import LocalRay, until

from hybridret.runs.job_record import JobRecord, read_job
from hybridret.sweep.engines.engine import JobLook, JobState
from hybridret.sweep.engines.ray import RayEngine

ROOT = Path(__file__).resolve().parent.parent.parent
STEPS = 1500
#: About fifteen seconds of training, which a test can disturb at any step.
LONGER = (
    "model=nano", "logger=none", "backbone.dropout=0.1", "backbone.vocabulary_size=300", "data=jsonl",
    "training.batch_size=8", f"training.steps={STEPS}", "training.validate_every=200", "training.validation_batches=2",
    "training.checkpoint_every=20", "sweep=s",
)  # fmt: skip
SEEDS = (1, 2)
RAY = ("hydra/launcher=ray", "hydra.launcher.memory=1", "hydra.launcher.every=1")


def environment() -> dict[str, str]:
    return {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": str(ROOT)}


def files_of(run: Path) -> dict[str, bytes]:
    """What must be the same to the last bit."""
    names = ("metrics.csv", "checkpoints/best/model.safetensors")
    return {name: (run / name).read_bytes() for name in names}


def local_sweep(folder: Path, pairs: Path) -> dict[int, dict[str, bytes]]:
    """The files of each seed, from `hydra/launcher=process`."""
    seeds = ",".join(map(str, SEEDS))
    command = [sys.executable, "-m", "hybridret.run", "-m", *LONGER, f"data.path={pairs}", f"seed={seeds}"]
    subprocess.run(
        [*command, "hydra.launcher.n_jobs=2"], cwd=folder, env=environment(), check=True, capture_output=True
    )
    return {seed: files_of(next(folder.glob(f"multirun/s/*seed-{seed}"))) for seed in SEEDS}


@dataclass
class RaySweep:
    """`folder`: where the commands are given."""

    ray: LocalRay
    folder: Path
    pairs: Path

    def call(self, module: str, *arguments: str, code: int = 0) -> str:
        """The output of `python -m hybridret.MODULE ARGUMENTS`."""
        done = subprocess.run(
            [sys.executable, "-m", f"hybridret.{module}", *arguments],
            cwd=self.folder,
            env=environment(),
            capture_output=True,
            text=True,
            timeout=280,
            check=False,
        )
        assert done.returncode == code, done.stdout + done.stderr
        return done.stdout

    def submit(self, *arguments: str) -> str:
        variables = f"hydra.launcher.env={{PYTHONPATH: {ROOT}, HF_HUB_OFFLINE: 1}}"
        address = f"hydra.launcher.address={self.ray.address}"
        return self.call("run", "-m", *RAY, address, variables, *LONGER, f"data.path={self.pairs}", *arguments)

    def run(self, seed: int) -> Path:
        return next((self.folder / "multirun" / "s").glob(f"*seed-{seed}"))

    def record(self, seed: int) -> JobRecord:
        found = read_job(self.run(seed))
        assert found is not None
        return found

    def status(self, seed: int) -> dict[str, Any]:
        found: dict[str, Any] = json.loads((self.run(seed) / "status.json").read_text())
        return found

    def look(self, seed: int) -> JobLook:
        job = self.record(seed).job
        return RayEngine().look([job])[job]

    def reaches(self, seed: int, step: int) -> None:
        """Wait until a point trains and is at `step`."""

        def there() -> bool:
            with suppress(StopIteration, OSError, ValueError):
                status = self.status(seed)
                return status["phase"] == "train" and status["state"] == "running" and status["done"] >= step
            return False

        until(there, f"step {step} of seed {seed}")

    def node(self, seed: int) -> str:
        """The worker node that trains a seed."""
        for name in self.ray.workers():
            for pid in self.ray.processes(name):
                with suppress(OSError):
                    words = Path(f"/proc/{pid}/cmdline").read_text(errors="replace").split("\0")
                    if "hybridret.run" in words and f"seed={seed}" in words:
                        return name
        raise LookupError(f"no worker trains seed {seed}")

    def ends(self, *seeds: int) -> None:
        """Wait until the jobs of these seeds have ended."""
        until(
            lambda: all(self.look(seed).state is JobState.ENDED for seed in seeds),
            f"the end of the jobs of {seeds}",
            240,
        )

    def clear(self) -> None:
        """End what a failed test left."""
        jobs = [record.job for path in self.folder.glob("multirun/s/*/job.json") if (record := read_job(path.parent))]
        engine = RayEngine()
        engine.cancel(jobs)
