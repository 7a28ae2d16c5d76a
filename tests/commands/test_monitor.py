"""Held-out questions ranked during training, from the command: the curve, W&B, the result, the report, a resume."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from commands import Commands, Train, paragraph, run_of, status

from hybridret.reporting.charts.curves import curve_plots
from hybridret.reporting.collect import collect
from hybridret.reporting.tables_runs import run_table

pytestmark = pytest.mark.slow

NAMES = ("mono_mrr", "mono_recall", "mono_entropy", "cross_mrr", "cross_recall", "cross_entropy")
ON = ("training.validate_retrieval=3", "training.monitor=mono_mrr", "training.patience=3")
STEP = "hybridret.training.checkpoints:Checkpoints.on_train_batch_end"


def rows_of(run: Path) -> list[dict[str, Any]]:
    rows = [json.loads(line) for line in (run / "history.jsonl").read_text().splitlines()]
    timed = ("seconds", "pairs_per_second", "crc32")
    return [{key: value for key, value in row.items() if key not in timed} for row in rows]


def without(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [{key: value for key, value in row.items() if key not in NAMES} for row in rows]


def test_what_is_measured_is_recorded_and_shown(train: Train, command: Commands, whole: Path, tmp_path: Path) -> None:
    done = train(tmp_path, *ON)
    assert done.returncode == 0, done.stderr
    run = run_of(tmp_path)
    measured = [row for row in rows_of(run) if row["split"] == "validation"]
    assert all(set(NAMES) < set(row) for row in measured)
    assert without(rows_of(run)) == rows_of(whole)
    trained = json.loads((run / "result.json").read_text())["training"]
    values = [row["mono_mrr"] for row in measured]
    assert (trained["monitor"], trained["best_value"]) == ("mono_mrr", max(values))
    assert trained["best_validation_loss"] == min(row["loss"] for row in measured)
    assert trained["best_step"] == measured[values.index(max(values))]["step"]
    reported = command("report", "multirun/default", folder=tmp_path)
    assert reported.returncode == 0, reported.stderr
    figures = {path.stem for path in (run.parent / "report").rglob("curve_*.svg")}
    assert {f"curve_validation_{name}" for name in NAMES} <= figures
    assert f"mono_mrr {max(values):.3f}" in (run.parent / "report" / "report.html").read_text()


def test_a_sweep_without_it_looks_as_before(whole: Path) -> None:
    sweep = collect(whole.parent)
    assert {plot.name for plot in curve_plots(sweep)} == {
        "curve_train", "curve_validation", "curve_validation_mono", "curve_validation_cross",
    }  # fmt: skip
    assert "watched" not in {column.title for column in run_table(sweep).columns}


def test_wandb_gets_the_same_values(train: Train, tmp_path: Path) -> None:
    pytest.importorskip("wandb")
    from wandb_records import Offline, curve_of

    done = train(tmp_path, *ON, "logger=wandb")
    assert done.returncode == 0, done.stderr
    run = run_of(tmp_path)
    mirror = Offline.of(run)
    assert mirror.curve == curve_of(run)
    assert {f"validation/{name}" for name in NAMES} <= {key for row in mirror.curve.values() for key in row}


def test_an_interrupted_run_ends_bit_for_bit_the_same(train: Train, tmp_path: Path) -> None:
    for name in ("whole", "parts"):
        (tmp_path / name).mkdir()
    assert train(tmp_path / "whole", *ON).returncode == 0
    stopped = train(tmp_path / "parts", *ON, hooks=[{"target": STEP, "call": 4, "signal": 15}])
    assert stopped.returncode == 75, stopped.stderr
    assert train(tmp_path / "parts", *ON).returncode == 0
    whole, parts = run_of(tmp_path / "whole"), run_of(tmp_path / "parts")
    assert rows_of(whole) == rows_of(parts)
    for name in ("metrics.csv", "checkpoints/best/model.safetensors"):
        assert (whole / name).read_bytes() == (parts / name).read_bytes(), name


def test_off_is_the_same_run(train: Train, command: Commands, whole: Path, tmp_path: Path) -> None:
    """The values of a run without the keys, named: the hash does not change."""
    done = train(tmp_path, "training.validate_retrieval=0", "training.monitor=loss")
    assert done.returncode == 0, done.stderr
    hashes = [json.loads((run / "result.json").read_text())["config_hash"] for run in (whole, run_of(tmp_path))]
    assert hashes[0] == hashes[1]


def test_a_misspelt_name_is_refused_at_once(train: Train, tmp_path: Path) -> None:
    refused = train(tmp_path, "training.validate_retrieval=3", "training.monitor=cros_mrr")
    assert refused.returncode == 2
    assert "Did you mean 'cross_mrr'?" in paragraph(refused)
    assert not (tmp_path / "multirun").exists()


def test_one_language_has_nothing_across_languages(train: Train, tmp_path: Path) -> None:
    refused = train(tmp_path, "training.validate_retrieval=3", "training.monitor=cross_mrr", "batching=mono",
                    "data.languages=[en]")  # fmt: skip
    assert refused.returncode == 2, refused.stderr
    message = [line for line in refused.stderr.splitlines() if line.startswith("Error: ")]
    assert "training.monitor=cross_mrr cannot be measured: the validation data has no question in two" in message[0]
    assert not list(tmp_path.rglob("history.jsonl"))
    assert status(run_of(tmp_path))["state"] == "failed"


def test_a_benchmark_of_the_config_may_give_the_questions(train: Train, tmp_path: Path) -> None:
    """All questions of the test set: the numbers of the best step are those of the evaluation behind the training."""
    done = train(tmp_path, "training.validate_retrieval=1000", "training.validation_benchmark=heldout",
                 "training.monitor=cross_mrr")  # fmt: skip
    assert done.returncode == 0, done.stderr
    run = run_of(tmp_path)
    result = json.loads((run / "result.json").read_text())
    best = result["training"]["best_step"]
    (row,) = [row for row in rows_of(run) if row["split"] == "validation" and row["step"] == best]
    for short, setting in (("mono", "monolingual"), ("cross", "cross-lingual")):
        for metric in ("mrr", "recall"):
            expected = result["metrics"][f"boxes/{setting}/{metric}@10"]
            assert row[f"{short}_{metric}"] == pytest.approx(expected, abs=0.02), (setting, metric)
    assert 0 < row["cross_mrr"] < 1


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("training.validation_benchmark=heldot", "training.validate_retrieval=9"), "Did you mean 'heldout'?"),
        (("training.validation_benchmark=heldout",), "training.validate_retrieval=0. Set it to a number of questions"),
    ],
)
def test_a_benchmark_that_cannot_be_used_is_refused_at_once(
    train: Train, tmp_path: Path, arguments: tuple[str, ...], message: str
) -> None:
    refused = train(tmp_path, *arguments)
    assert refused.returncode == 2
    assert message in paragraph(refused)
    assert not (tmp_path / "multirun").exists()


def test_a_benchmark_that_is_too_large_is_refused_before_training(train: Train, tmp_path: Path) -> None:
    refused = train(tmp_path, "training.validation_benchmark=heldout", "training.validate_retrieval=9",
                    "evaluation.full_ranks=5")  # fmt: skip
    assert refused.returncode == 2
    assert "passages, which each validation would encode anew" in refused.stderr
    assert not list(tmp_path.rglob("history.jsonl"))
