"""Sweeps of tiny trainings on a real Ray cluster."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from local_ray import LocalRay, until
from tiny_sweep import LONGER, ROOT, TinySweep, environment

from hybridret.runs.job_record import read_job
from hybridret.sweep.engines.engine import JobLook, JobState
from hybridret.sweep.engines.ray import RayEngine

RAY = ("hydra/launcher=ray", "hydra.launcher.memory=1", "hydra.launcher.every=1")


@dataclass
class RaySweep(TinySweep):
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

    def wait(self, holds: Callable[[], bool], what: str, seconds: float = 120.0) -> None:
        until(holds, what, seconds)

    def look(self, seed: int) -> JobLook:
        job = self.record(seed).job
        return RayEngine().look([job])[job]

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
