"""Stored commands that are run again one after the other: their exit codes, and signals on the way."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from hybridret.base.errors import BAD_INPUT, DONE, POINT_FAILED, REQUEUE
from hybridret.sweep.control import rerun as rerun_module
from hybridret.sweep.control.rerun import rerun
from hybridret.sweep.control.stored_command import StoredCommand

#: Instead of a training: notes what it was given, and ends with the exit code that it was told.
PROGRAM = """
import os, pathlib, signal, sys
with open("order", "a") as file:
    file.write(f"{sys.argv[1]} {os.environ['HYBRIDRET_COMMAND']}\\n")
if sys.argv[1] == "wait":
    signal.signal(signal.SIGTERM, lambda *more: sys.exit(75))
    os.kill(os.getppid(), signal.SIGTERM)
    signal.pause()
sys.exit(int(sys.argv[1]))
"""


@pytest.fixture(autouse=True)
def _program(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rerun_module, "_line", lambda command: [sys.executable, "-c", PROGRAM, *command.arguments])


def command(folder: Path, word: str) -> StoredCommand:
    return StoredCommand(f"typed {word}", (word,), folder)


def order(folder: Path) -> list[str]:
    return (folder / "order").read_text().splitlines()


@pytest.mark.parametrize(
    ("codes", "code"),
    [
        ((DONE, DONE), DONE), ((REQUEUE, DONE), REQUEUE), ((REQUEUE, BAD_INPUT), BAD_INPUT),
        ((REQUEUE, POINT_FAILED, BAD_INPUT), POINT_FAILED), ((DONE, 7), 7),
    ],
)  # fmt: skip
def test_each_is_run_in_its_folder_and_the_worst_code_is_that_of_all(
    tmp_path: Path, codes: tuple[int, ...], code: int
) -> None:
    assert rerun([command(tmp_path, str(one)) for one in codes]) == code
    assert order(tmp_path) == [f"{one} typed {one}" for one in codes]


def test_a_signal_ends_the_one_that_runs_and_no_other_starts(tmp_path: Path) -> None:
    before = signal.getsignal(signal.SIGTERM)
    assert rerun([command(tmp_path, "0"), command(tmp_path, "wait"), command(tmp_path, "0")]) == REQUEUE
    assert order(tmp_path) == ["0 typed 0", "wait typed wait"]
    assert signal.getsignal(signal.SIGTERM) == before


def test_one_alone_is_this_process_from_then_on(tmp_path: Path) -> None:
    lines = f"""
import os
from pathlib import Path
from hybridret.sweep.control import rerun
from hybridret.sweep.control.stored_command import StoredCommand
rerun._line = lambda command: [{sys.executable!r}, "-c", "import os; print(os.getpid(), os.getcwd())"]
print(os.getpid())
rerun.rerun([StoredCommand("typed", (), Path({str(tmp_path)!r}))])
"""
    done = subprocess.run([sys.executable, "-c", lines], capture_output=True, text=True, check=True)
    before, after, folder = done.stdout.split()
    assert (before, folder) == (after, str(tmp_path))
