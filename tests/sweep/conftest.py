"""Fixtures of this folder; its tests can import `stand_in_app` and `slurm_programs`."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))

from stand_in_app import CONFIG, App  # noqa: E402


@pytest.fixture
def app(tmp_path: Path, started: Callable[..., subprocess.Popen[str]]) -> App:
    shutil.copy(HERE / "stand_in.py", tmp_path)
    (tmp_path / "config.yaml").write_text(CONFIG)
    for name in ("mono", "hybrid"):
        (tmp_path / "batching").mkdir(exist_ok=True)
        (tmp_path / "batching" / f"{name}.yaml").write_text("alpha: 0.5\n" if name == "hybrid" else "{}\n")
    os.mkfifo(tmp_path / "fifo")
    return App(tmp_path, started)
