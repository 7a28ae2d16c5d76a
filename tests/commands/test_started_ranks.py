"""Ranks that a sweep starts as real processes; what they leave is finished by two forked ranks."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from commands import Train, run_of, status
from pairs import PAIR, Pair, assert_finishes_as

pytestmark = pytest.mark.slow

HERE = Path(__file__).resolve().parent


@pytest.mark.parametrize("rank", [1])
def test_a_killed_rank_ends_its_point_of_a_sweep_with_the_reason(
    environment: dict[str, str],
    steady: Train,
    pair: Pair,
    undisturbed: Path,
    tmp_path: Path,
    rank: int,
) -> None:
    (tmp_path / "armed").write_text(f"KILL {rank}")
    line = [sys.executable, "-m", "hybridret.run", "-m", *steady.arguments, *PAIR, "hydra.launcher.module=armed_run"]
    environment = {**environment, "PYTHONPATH": os.pathsep.join([str(HERE), environment.get("PYTHONPATH", "")])}
    done = subprocess.run(line, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 1, done.stderr
    reason = f"rank {rank} was killed by signal 9 (out of memory?)"
    (point,) = json.loads((tmp_path / "multirun" / "default" / "sweep.json").read_text())["points"]
    assert (point["state"], point["reason"], point["exit_code"]) == ("failed", reason, -9)
    run = run_of(tmp_path)
    assert (status(run)["state"], status(run)["reason"]) == ("failed", reason)
    assert reason in done.stderr
    assert "Another one of the 2 processes" in (run / "log.txt").read_text()
    assert_finishes_as(pair, tmp_path, undisturbed, 3)
