"""The answer on critical batch sizes, from files of a sweep whose truth is known."""

from __future__ import annotations

import json
from itertools import product
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pandas as pd
import pytest

from hybridret.analysis.critical_batch.batch_law import BatchLaw
from hybridret.analysis.critical_batch.study import WITH_THE_BATCH
from hybridret.reporting.answers.answer import Findings
from hybridret.reporting.answers.critical_batch import ANSWER
from hybridret.reporting.answers.files import write_answers
from hybridret.reporting.collect import collect
from hybridret.reporting.evidence import Evidence

pytestmark = pytest.mark.slow

BATCHES = ((8, 1), (32, 1), (128, 1), (512, 1), (8, 4), (8, 16), (8, 64))
SCALE = 250.0  # C at all data: a critical batch of 50 pairs


def sweep(fabricate: ModuleType, folder: Path, decay: str = "constant", ema: int = 100) -> Path:
    """B* grows with the square root of the data and not with the size."""
    random = np.random.default_rng(0)
    cells = product((("nano", 1_000), ("micro", 10_000)), (0.25, 0.5, 1.0), BATCHES, (1, 2))
    for (size, body), data, (batch, accumulate), seed in cells:
        config: dict[str, Any] = {
            "data": {"training_share": data}, "schedule": {"decay": decay},
            "training": {"batch_size": batch, "accumulate": accumulate, "ema": ema},
        }  # fmt: skip
        where = folder / f"{size}-{data}-{batch}-{accumulate}"
        run = fabricate.run(where, "hybrid", seed, alpha=0.5, size=size, body=body, config=config)
        law = BatchLaw(30, SCALE * data**0.5, 0)
        needed = float(law.steps(np.array([batch * accumulate]))[0] * np.exp(random.normal(0, 0.05)))
        rows = [
            {"step": step, "split": "validation", "loss": None, "mono_entropy": 2 - 0.5 * np.log(step / needed),
             "cross_entropy": 3 - 0.5 * np.log(step / needed)}
            for step in range(10, 3001, 40)
        ]  # fmt: skip
        (run / "history.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
        run.rename(folder / f"{where.name}-seed-{seed}")
        where.rmdir()
    return folder


@pytest.fixture(scope="module")
def found(fabricate: ModuleType, tmp_path_factory: pytest.TempPathFactory) -> Findings:
    folder = sweep(fabricate, tmp_path_factory.mktemp("critical") / "sweep")
    answer = ANSWER.find(Evidence([collect(folder)], resamples=100))
    assert answer is not None
    return answer


def test_laws_are_those_that_the_runs_follow(found: Findings) -> None:
    table = found.frames["critical_batch_fit"]
    assert len(table) == 2 * 2 * 2 * 3
    truth = 0.2 * SCALE * table["data"] ** 0.5
    assert np.mean((table["low"] <= truth) & (truth <= table["high"])) >= 0.75
    assert set(table["negatives"]) == {WITH_THE_BATCH, "7"}
    assert not found.remarks
    steps = found.frames["critical_batch_steps"]
    assert len(steps) == 2 * 2 * 3 * 2 * (4 + 4)
    assert set(steps["state"]) == {"reached", "not reached"}
    assert 0 < (steps["state"] == "not reached").mean() <= 0.1


def test_sentences_have_effect_and_interval_or_a_reason(found: Findings) -> None:
    growing = [one for one in found.sentences if "training data" in one.text]
    assert len(growing) == 4
    for one in growing:
        assert one.decided
        assert one.low is not None
        assert one.high is not None
        assert 0 < one.low < 0.5 < one.high
        assert f"exponent {one.effect:.2f}, 95% interval {one.low:.2f} to {one.high:.2f}" in one.text
    sizes = [one for one in found.sentences if "parameters of the body" in one.text]
    assert len(sizes) == 4
    assert all("undecided, because only 2 values of it" in one.text for one in sizes)
    assert all(one.text.endswith(".") for one in found.sentences)
    assert any("the critical batch size is " in one.text and " pairs, 95% interval " in one.text
               for one in found.sentences)  # fmt: skip


def test_files_and_figures_are_written(found: Findings, tmp_path: Path) -> None:
    write_answers({ANSWER: found}, tmp_path)
    for name in ("critical_batch_steps", "critical_batch_fit", "findings"):
        assert len(pd.read_csv(tmp_path / f"{name}.csv"))
    assert {path.suffix for path in (tmp_path / "figures").iterdir()} == {".png", ".svg"}


def test_other_sweeps_have_nothing_to_ask(fabricate: ModuleType, small: Path, tmp_path: Path) -> None:
    assert ANSWER.find(Evidence([collect(small)])) is None
    falling = sweep(fabricate, tmp_path / "falling", decay="linear")
    assert ANSWER.find(Evidence([collect(falling)], resamples=100)) is None


def test_runs_without_an_average_are_named(fabricate: ModuleType, tmp_path: Path) -> None:
    answer = ANSWER.find(Evidence([collect(sweep(fabricate, tmp_path / "plain", ema=0))], resamples=100))
    assert answer is not None
    assert "84 of 84 runs kept no average of the weights" in answer.remarks[0]


def test_hostile_values_are_no_measurements(fabricate: ModuleType, tmp_path: Path) -> None:
    folder = sweep(fabricate, tmp_path / "hostile")
    names = sorted(path.name for path in folder.iterdir())
    for name, value in zip(names, ("many", 0, -3, [1], None), strict=False):
        config = json.loads((folder / name / "config.yaml").read_text())
        config["training"]["accumulate"] = value
        (folder / name / "config.yaml").write_text(json.dumps(config), encoding="utf-8")
    row = {"step": 0, "split": "validation", "mono_entropy": "x", "cross_entropy": 1e999}
    for name in names[5:8]:
        with (folder / name / "history.jsonl").open("a", encoding="utf-8") as file:
            file.write(json.dumps(row) + "\n" + json.dumps(row | {"step": 5}) + "\n")
    answer = ANSWER.find(Evidence([collect(folder)], resamples=100))
    assert answer is not None
    used = set(answer.frames["critical_batch_steps"]["run"])
    assert used == set(names[5:])
