"""Twenty random signals; `kill_runs.py --count 200` by hand."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

PROGRAM = Path(__file__).resolve().parent / "kill_runs.py"


@pytest.mark.slow
@pytest.mark.timeout(1800)
@pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")
def test_twenty_signals_lose_nothing_and_leave_nothing(tmp_path: Path) -> None:
    line = [sys.executable, str(PROGRAM), "--count", "20", "--seed", "1", "--folder", str(tmp_path)]
    done = subprocess.run(line, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
