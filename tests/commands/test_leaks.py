"""A run looks for texts of its benchmarks in its training data: it warns, records, and refuses where it is asked to."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from commands import Train, run_of, status

pytestmark = pytest.mark.slow


def leaks(run: Path) -> object:
    return json.loads((run / "result.json").read_text())["leaks"]


def test_a_run_warns_and_records(train: Train, tmp_path: Path) -> None:
    """The boxes differ in a number: their questions are almost equal, and no passage is."""
    done = train(tmp_path)
    assert done.returncode == 0, done.stderr
    (line,) = [line for line in done.stdout.splitlines() if line.startswith("Leaks: ")]
    assert "questions of boxes in " in line
    found = leaks(run_of(tmp_path))
    assert isinstance(found, dict)
    assert {row["side"] for row in found["rows"]} >= {"questions"}
    assert all(row["exact"] == 0 for row in found["rows"])
    assert found["largest"]["share"] > 0
    again = train(tmp_path, "data.leaks.allowed=0", "data.leaks.threshold=0.9")
    assert again.returncode == 0, again.stderr
    assert "is finished; nothing to do" in again.stdout


def test_a_run_refuses_above_what_is_allowed(train: Train, tmp_path: Path) -> None:
    """Before the first step, and the same command goes on where more is allowed."""
    done = train(tmp_path, "data.leaks.allowed=0")
    assert done.returncode == 2, done.stdout + done.stderr
    assert "Error: data.leaks.allowed=0.0: " in done.stderr
    run = run_of(tmp_path)
    assert status(run)["state"] == "failed"
    assert "data.leaks.allowed" in status(run)["reason"]
    assert not (run / "history.jsonl").exists() or not (run / "history.jsonl").read_text()
    again = train(tmp_path, "data.leaks.check=false")
    assert again.returncode == 0, again.stderr
    assert "Leaks: " not in again.stdout
    assert leaks(run_of(tmp_path)) is None


def test_only_equal_texts(train: Train, tmp_path: Path) -> None:
    done = train(tmp_path, "data.leaks.near_up_to=0", "data.leaks.allowed=0")
    assert done.returncode == 0, done.stderr
    assert "Leaks: " not in done.stdout


@pytest.mark.parametrize(
    ("override", "words"),
    [
        ("data.leaks.allowed=2", "data.leaks.allowed=2"),
        ("data.leaks.alowed=0", "alowed"),
        ("data.leaks=0", "data.leaks=0"),
        ("data.leaks.check=perhaps", "data.leaks.check="),
    ],
)
def test_bad_values(train: Train, tmp_path: Path, override: str, words: str) -> None:
    done = train(tmp_path, override)
    assert done.returncode == 2, done.stdout + done.stderr
    assert words in done.stderr
    assert "Traceback" not in done.stderr
