"""A machine that has SLURM: libraries that see `srun` on the PATH have nothing to say to the user of a run."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from commands import SMALL, Train, rows, run_of, status, write_rows

pytestmark = pytest.mark.slow

WARNS = (
    "import sys, warnings; "
    "from hybridret.base.interruption import interruptible; "
    "work = lambda: warnings.warn_explicit('theirs', UserWarning, '/elsewhere/library.py', 1) "
    "or warnings.warn_explicit('ours', UserWarning, __import__('hybridret').__file__, 1); "
    "sys.exit(interruptible(lambda: work() or 0))"
)


@pytest.fixture
def slurm(tmp_path: Path) -> str:
    """A PATH whose first folder has an `srun`."""
    folder = tmp_path / "slurm"
    folder.mkdir()
    (folder / "srun").write_text("#!/bin/sh\nexit 1\n")
    (folder / "srun").chmod(0o755)
    return f"{folder}{os.pathsep}{os.environ['PATH']}"


def test_srun_on_the_path_is_no_matter_for_a_warning(slurm: str, environment: dict[str, str], tmp_path: Path) -> None:
    data = write_rows(tmp_path / "rows", rows())
    done = subprocess.run(
        [sys.executable, "-W", "error", "-m", "hybridret.run", *SMALL, f"data.path={data}"],
        env={**environment, "PATH": slurm, "PYTHONWARNINGS": "error"},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "srun" not in done.stdout + done.stderr
    assert status(run_of(tmp_path))["state"] == "finished"


def test_the_hint_about_srun_is_not_printed(train: Train, tmp_path: Path) -> None:
    hook = {"target": "shutil:which", "call": 1, "returns": "/usr/bin/srun"}
    done = train(tmp_path, hooks=[hook])
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize(("options", "told"), [((), ["ours"]), (("-W", "default"), ["theirs", "ours"])])
def test_warnings_of_libraries_reach_only_who_asks_for_them(options: tuple[str, ...], told: list[str]) -> None:
    plain = {name: value for name, value in os.environ.items() if name != "PYTHONWARNINGS"}
    done = subprocess.run(
        [sys.executable, *options, "-c", WARNS], env=plain, capture_output=True, text=True, check=True
    )
    assert [word for word in ("theirs", "ours") if f"UserWarning: {word}" in done.stderr] == told


def test_publishing_says_nothing_of_libraries(whole: Path, environment: dict[str, str], tmp_path: Path) -> None:
    """The first model of transformers imports torchao, which warns and logs."""
    plain = {name: value for name, value in environment.items() if name != "PYTHONWARNINGS"}
    line = [sys.executable, "-m", "hybridret.publish", str(whole), str(tmp_path / "model")]
    done = subprocess.run(line, env=plain, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
