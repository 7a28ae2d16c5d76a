"""The Makefile: targets print the command that they run, `make help` has a group for each, and pages name no other."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
TEXT = (ROOT / "Makefile").read_text(encoding="utf-8")
TARGETS = set(re.findall(r"^([a-z-]+):(?!.*MODE =)", TEXT, re.MULTILINE))

pytestmark = pytest.mark.skipif(shutil.which("make") is None, reason="make is not installed")


@pytest.fixture
def printed(tmp_path: Path) -> Callable[..., list[str]]:
    """The commands of a target in a checkout that is installed."""
    (tmp_path / ".installed").touch()
    (tmp_path / ".developed").touch()

    def run(*words: str) -> list[str]:
        line = ["make", "--no-print-directory", "-n", f"VENV={tmp_path}", *words]
        done = subprocess.run(line, cwd=ROOT, capture_output=True, text=True, check=True)
        return [one.replace(f"{tmp_path}/bin/", "") for one in done.stdout.splitlines()]

    return run


@pytest.mark.parametrize(
    ("words", "command"),
    [
        (["sweep", "JOBS=3"], "python -m hybridret.run -m hydra.launcher.n_jobs=3 sweep=s seed=1,2"),
        (["sweep-slurm"], "python -m hybridret.run -m hydra/launcher=slurm sweep=s seed=1,2"),
        (["sweep-gpu", "GPUS=4"], "python -m hybridret.run -m trainer=gpu hydra.launcher.n_jobs=4 sweep=s seed=1,2"),
        (["status"], "python -m hybridret.status multirun/s --watch"),
        (["status", "WATCH=", "FOLDER=out/t"], "python -m hybridret.status out/t"),
        (["resume"], "python -m hybridret.resume multirun/s"),
        (["retry-failed"], "python -m hybridret.retry --failed multirun/s"),
        (["cancel"], "python -m hybridret.cancel multirun/s"),
        (["report"], "python -m hybridret.report multirun/s"),
        (["sync"], "wandb sync multirun/s/*/wandb/offline-run-*"),
        (["clean-failed", "DRY=--dry-run"], "python -m hybridret.clean multirun/s --dry-run"),
    ],
)
def test_a_target_prints_what_it_runs(printed: Callable[..., list[str]], words: list[str], command: str) -> None:
    assert printed(*words, "SWEEP=s", "ARGS=seed=1,2")[0].rstrip() == command
    body = re.search(rf"^{words[0]}:(?!.*MODE =).*\n((?:\t.*\n)+)", TEXT, re.MULTILINE)
    assert body is not None
    assert not any(line.startswith("\t@") for line in body[1].splitlines())  # make shows each line before it runs it


def test_help_groups_the_targets() -> None:
    shown = subprocess.run(["make"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    described = set(re.findall(r"^([a-z-]+):.*## ", TEXT, re.MULTILINE))
    assert set(re.findall(r"^  make ([a-z-]+) ", shown, re.MULTILINE)) == described
    groups = re.findall(r"^##@ (.*)$", TEXT, re.MULTILINE)
    assert [group for group in groups if f"\n{group}\n  make " not in shown] == []
    phony = " ".join(re.findall(r"^\.PHONY: (.*)$", TEXT, re.MULTILINE)).split()
    assert sorted(phony) == sorted(TARGETS)


def test_pages_name_targets_that_there_are() -> None:
    pages = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *(ROOT / "docs").rglob("*.md")]
    pages = [page for page in pages if page.name != "log.md"]
    named = {name for page in pages for name in re.findall(r"(?:`|^    )make ([a-z-]+)", page.read_text("utf-8"), re.M)}
    assert {"sweep-gpu", "run", "sweep-slurm"} <= named
    assert named - TARGETS == set()
