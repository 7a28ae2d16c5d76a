"""A flip in each file of a finished run, interrupted ones (one process, sharded states) and caches; by hand more:
`flip_bits.py --count 1000`."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

PROGRAM = Path(__file__).resolve().parent / "flip_bits.py"


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="the program forks its commands")
def test_no_flipped_bit_of_any_file_is_believed(tmp_path: Path) -> None:
    line = [sys.executable, str(PROGRAM), "--count", "45", "--seed", "2", "--folder", str(tmp_path)]
    done = subprocess.run(line, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "45 flips: " in done.stdout
    assert "Traceback" not in done.stdout + done.stderr
