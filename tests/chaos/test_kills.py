"""A few random kills; `kills.py --count 200` by hand."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

PROGRAM = Path(__file__).resolve().parent / "kills.py"


@pytest.mark.slow
@pytest.mark.timeout(3600)
@pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")
def test_twelve_kills_lose_nothing_and_leave_nothing(tmp_path: Path) -> None:
    line = [sys.executable, str(PROGRAM), "--count", "12", "--seed", "1", "--folder", str(tmp_path)]
    done = subprocess.run(line, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.splitlines()[-1].startswith("12 kills: 0 lost results, 0 false finished, ")
