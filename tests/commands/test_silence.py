"""Long work tells of itself where there is no terminal, and `status.json` says in which phase a run is."""

from __future__ import annotations

from pathlib import Path

import pytest
from commands import Commands, Train, run_of, status

pytestmark = pytest.mark.slow

OFTEN = {"target": "hybridret.base.progress_lines:INTERVAL", "value": 0.0}  # a line at every advance


def phases(text: str) -> set[str]:
    """The tasks that lines tell of."""
    return {line.partition(":")[0] for line in text.splitlines() if ":" in line}


def test_a_training_and_its_evaluation_are_heard_of(train: Train, tmp_path: Path) -> None:
    done = train(tmp_path, hooks=[OFTEN])
    assert done.returncode == 0, done.stderr
    assert {"train", "encode passages"} <= phases(done.stderr)
    assert "train: 6 of 6 (100%)" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(("backbone", "told"), [("bm25", "index passages"), ("minilm", "encode passages")])
def test_an_evaluation_is_heard_of_and_its_status_has_a_phase(
    command: Commands, train: Train, tmp_path: Path, backbone: str, told: str
) -> None:
    data = [text for text in train.arguments if text.startswith("data")]
    arguments = [f"backbone={backbone}", "eval=[heldout]", "logger=none", *data]
    stopped = {"target": "hybridret.pipelines.evaluate_run:write_scores", "call": 1, "error": "UserError"}
    done = command("evaluate", *arguments, folder=tmp_path, hooks=[OFTEN, stopped])
    assert done.returncode == 2, done.stderr
    assert told in phases(done.stderr)
    assert status(run_of(tmp_path))["phase"] != ""
    assert status(run_of(tmp_path))["done"] > 0
