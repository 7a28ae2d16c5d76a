"""The stand-in application in a folder of its own: `python -m stand_in` in a process."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
CONFIG = """
defaults:
  - _self_
  - batching: hybrid
  - override hydra/launcher: process
  - override hydra/sweeper: points
  - override hydra/job_logging: none
  - override hydra/hydra_logging: none
seed: 1
output: out
sweep: s
behaviour: finish
word: hello
fifo: null
trainer: {accelerator: cpu, devices: 1}
hydra:
  output_subdir: null
  run: {dir: .}
  sweep: {dir: ., subdir: .}
  job: {chdir: false}
  launcher: {module: stand_in}
"""


@dataclass
class App:
    folder: Path
    started: Callable[..., subprocess.Popen[str]]

    def command(self, *arguments: str) -> list[str]:
        return [sys.executable, "-m", "stand_in", *arguments]

    def environment(self, **more: str) -> dict[str, str]:
        path = os.pathsep.join([str(self.folder), str(ROOT)])
        kept = {
            key: value for key, value in os.environ.items() if key not in ("OMP_NUM_THREADS", "CUDA_VISIBLE_DEVICES")
        }
        return {**kept, "PYTHONPATH": path, **more}

    def run(self, *arguments: str, **more: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            self.command(*arguments),
            cwd=self.folder,
            env=self.environment(**more),
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        return self.started(
            self.command(*arguments),
            cwd=self.folder,
            env=self.environment(),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def json(self, *parts: str) -> Any:
        return json.loads(self.folder.joinpath("out", "s", *parts).read_text())

    def points(self) -> dict[str, Mapping[str, Any]]:
        """The points of sweep.json by their first override."""
        return {point["overrides"][0]: point for point in self.json("sweep.json")["points"]}
