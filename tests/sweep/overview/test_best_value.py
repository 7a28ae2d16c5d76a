"""Only validations of a curve are decoded; reading all rows finds the same."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from hybridret.base.errors import UserError
from hybridret.runs.curve import append_row, read_rows
from hybridret.sweep.overview.best_value import BestValue, monitor_of, of_history, of_result
from hybridret.training.monitor import is_better


def by_all_rows(path: Path, metric: str) -> BestValue | None:
    best: BestValue | None = None
    for row in read_rows(path):
        value = row.get(metric) if row["split"] == "validation" else None
        if value is not None and is_better(metric, value, None if best is None else best.value):
            best = BestValue(metric, value, row["step"])
    return best


@pytest.mark.parametrize("metric", ["loss", "cross_mrr", "mono_entropy", "absent"])
@pytest.mark.parametrize("seed", range(5))
def test_against_all_rows(tmp_path: Path, metric: str, seed: int) -> None:
    draw, path = random.Random(seed), tmp_path / "history.jsonl"
    for step in range(1, 60):
        values = {name: draw.choice([None, round(draw.random(), 1)]) for name in ("loss", "cross_mrr", "mono_entropy")}
        append_row(path, {"step": step, "split": draw.choice(["train", "validation"]), **values})
    with open(path, "ab") as file:
        file.write(b'{"step": 60, "split": "validation", "loss": -5.0, "cross_mrr": 9')  # cut short
    assert of_history(path, metric) == by_all_rows(path, metric)
    assert (of_history(path, metric) is None) == (metric == "absent")


def test_a_changed_validation_is_refused_as_by_all_rows(tmp_path: Path) -> None:
    path = tmp_path / "history.jsonl"
    append_row(path, {"step": 1, "split": "validation", "loss": 2.5})
    path.write_bytes(path.read_bytes().replace(b"2.5", b"1.5"))
    for reader in (of_history, by_all_rows):
        with pytest.raises(UserError, match=r"history\.jsonl"):
            reader(path, "loss")


def test_nothing_was_measured(tmp_path: Path) -> None:
    assert of_history(tmp_path / "history.jsonl", "loss") is None
    (tmp_path / "history.jsonl").touch()
    assert of_history(tmp_path / "history.jsonl", "loss") is None


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("training:\n  steps: 3\n  monitor: cross_mrr\n", "cross_mrr"),
        ("seed: 1\ntraining:\n  deep:\n    monitor: x\n  monitor: 'mono'\nz: 1\n", "mono"),
        ("training:\n  steps: 3\nother:\n  monitor: mono\n", "loss"),
        ("other:\n  monitor: mono\n", "loss"),
    ],
)
def test_the_monitor_of_a_config(tmp_path: Path, text: str, found: str) -> None:
    (tmp_path / "config.yaml").write_text(text)
    assert monitor_of(tmp_path / "config.yaml") == found
    assert monitor_of(tmp_path / "absent.yaml") == "loss"


@pytest.mark.parametrize(
    ("result", "found"),
    [
        ({"training": {"monitor": "mono_mrr", "best_value": 0.5, "best_step": 7}}, BestValue("mono_mrr", 0.5, 7)),
        ({"training": {"best_value": -1e999}, "metrics": {"a/map": 1e999, "a/x": 1}}, BestValue("a/x", 1.0, None)),
        ({"training": 5, "metrics": []}, None),
        ({}, None),
    ],
)  # fmt: skip
def test_results_of_every_kind(result: dict[str, object], found: BestValue | None) -> None:
    assert of_result(result) == found
