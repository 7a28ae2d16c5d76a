"""The console command `hybridret NAME` is `python -m hybridret.NAME`."""

from __future__ import annotations

import subprocess
import sys
from importlib.metadata import entry_points
from pathlib import Path

import pytest

from hybridret.command import COMMANDS

ENTRIES = Path(__file__).resolve().parent.parent / "hybridret"
CONSOLE = "import sys; from hybridret.command import main; sys.argv[0] = 'hybridret'; sys.exit(main())"


def console(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """What the installed script does."""
    line = [sys.executable, "-c", CONSOLE, *words]
    return subprocess.run(line, cwd=folder, capture_output=True, text=True, check=False)


def module(folder: Path, name: str, *words: str) -> subprocess.CompletedProcess[str]:
    line = [sys.executable, "-m", f"hybridret.{name}", *words]
    return subprocess.run(line, cwd=folder, capture_output=True, text=True, check=False)


def test_the_script_is_declared() -> None:
    (script,) = entry_points(group="console_scripts", name="hybridret")
    assert script.value == "hybridret.command:main"


def test_every_entry_is_a_command() -> None:
    entries = {path.stem for path in ENTRIES.glob("*.py") if "def main(" in path.read_text(encoding="utf-8")}
    assert entries - {"command"} == set(COMMANDS)


@pytest.mark.parametrize("words", [("plan", "--help"), ("status", "."), ("run", "--cfg", "job"), ("report", "nowhere")])
def test_it_prints_and_leaves_as_the_module_does(tmp_path: Path, words: tuple[str, ...]) -> None:
    ours, theirs = console(tmp_path, *words), module(tmp_path, *words)
    assert (ours.returncode, ours.stdout, ours.stderr) == (theirs.returncode, theirs.stdout, theirs.stderr)


def test_a_word_that_is_no_command(tmp_path: Path) -> None:
    wrong = console(tmp_path, "evalute")
    assert wrong.returncode == 2
    assert wrong.stderr == "Error: hybridret evalute: there is no such command. Did you mean 'evaluate'?\n"
    helped = console(tmp_path)
    assert helped.returncode == 0
    assert all(f"hybridret {name} " in helped.stdout for name in COMMANDS)


def test_a_sweep_names_the_command_that_was_typed(tmp_path: Path) -> None:
    done = console(tmp_path, "run", "-m", "training.steps=0,-1", "model=nano", "logger=none")
    assert done.returncode == 1, done.stderr
    (summary,) = tmp_path.glob("multirun/*/sweep.json")
    assert '"command": "hybridret run -m training.steps=0,-1 model=nano logger=none"' in summary.read_text()
