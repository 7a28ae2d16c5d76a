"""What `python -m hybridret.evaluate checkpoint=RUN` refuses, and what a run checks before it trains."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path
from typing import Any

import pytest
from commands import SMALL, Commands, Train, paragraph, rows, run_of, write_rows

from hybridret.components.components import Components
from hybridret.components.open_run import read_config
from hybridret.config.validate import read_settings
from hybridret.runs import RunDirectory

pytestmark = pytest.mark.slow


@pytest.mark.parametrize(
    "override", ["text.passage_length=4", "backbone=minilm", "seed=9", "data=jsonl", "+data.path=x", "model=tiny"]
)
def test_what_a_checkpoint_brings_cannot_be_given(
    command: Commands, run_copy: Path, tmp_path: Path, override: str
) -> None:
    answer = command("evaluate", f'checkpoint="{run_copy}"', "logger=none", override, folder=tmp_path)
    assert answer.returncode == 2
    assert "a checkpoint brings its own" in paragraph(answer)
    assert override in paragraph(answer)
    assert not (run_copy / "evaluations").exists()


def test_the_held_out_part_of_other_data_is_refused(command: Commands, tmp_path: Path) -> None:
    folder = write_rows(tmp_path / "boxes", rows())
    assert command("run", *SMALL, f"data.path={folder}", folder=tmp_path).returncode == 0
    run = run_of(tmp_path)
    changed = [{**row, "question": row["question"].replace("box", "crate")} for row in rows()]
    shutil.rmtree(folder)
    write_rows(folder, changed)
    answer = command("evaluate", f"checkpoint={run}", "logger=none", folder=tmp_path)
    assert answer.returncode == 2
    assert "changed since it was trained" in paragraph(answer)
    assert not (run / "evaluations").exists()
    search = command("search", str(run), "--query", "box", folder=tmp_path)
    assert search.returncode == 2
    assert "changed since it was trained" in search.stderr


def test_a_test_set_that_is_missing_is_found_before_the_training(train: Train, tmp_path: Path) -> None:
    answer = train(tmp_path, "eval=[heldout,xquad_r]", "eval.xquad_r.path=/nowhere")
    assert answer.returncode == 2
    assert "eval.xquad_r.path: there is no folder /nowhere" in paragraph(answer)
    assert not list(tmp_path.glob("multirun/*/*"))


def test_a_run_ends_with_its_numbers(whole: Path, command: Commands, tmp_path: Path) -> None:
    answer = command("evaluate", f'checkpoint="{whole}"', "logger=none", "name=shown", folder=tmp_path)
    result = json.loads((whole / "evaluations" / "shown" / "result.json").read_text())
    shutil.rmtree(whole / "evaluations")
    assert result["text"] == read_config(RunDirectory(whole))["text"]
    shown = [line.split() for line in answer.stdout.splitlines() if "monolingual" in line]
    assert shown
    for dataset, _, first, *_ in shown:
        assert first == f"{result['metrics'][f'{dataset}/monolingual/map']:.3f}"


@pytest.mark.parametrize("trusted", [True, False])
def test_code_of_a_checkpoint_runs_only_where_the_run_allowed_it(
    run_copy: Path, monkeypatch: pytest.MonkeyPatch, trusted: bool
) -> None:
    config: dict[str, Any] = read_config(RunDirectory(run_copy))
    config["backbone"]["trust_remote_code"] = trusted
    asked: list[tuple[Path, bool]] = []
    monkeypatch.setattr("hybridret.encoders.folder.load_encoder", lambda folder, trust: asked.append((folder, trust)))
    run = RunDirectory(run_copy)
    Components(read_settings(config)).load(run)
    Components(read_settings(config)).load(run, trusted=not trusted)  # the word of the command line counts
    assert asked == [(run.best_checkpoint, trusted), (run.best_checkpoint, not trusted)]


def test_one_evaluation_of_a_name_at_a_time_and_what_a_kill_left_goes(
    command: Commands, run_copy: Path, tmp_path: Path
) -> None:
    asked = (f"checkpoint='{run_copy}'", "logger=none", "name=late")
    folder = RunDirectory(run_copy / "evaluations" / "late")
    with folder.lock():
        answer = command("evaluate", *asked, folder=tmp_path)
        assert answer.returncode == 2
        assert f"evaluations/late is in use: process {os.getpid()}" in paragraph(answer)
    half = folder.path / ".metrics.csv.k3_x8a0q.csv"
    half.touch()
    assert command("evaluate", *asked, folder=tmp_path).returncode == 0
    assert not half.exists()
    assert folder.result.exists()
