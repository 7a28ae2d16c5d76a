"""The leak check of the runs in the report."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from hybridret.reporting.collect import collect
from hybridret.reporting.tables_leaks import leak_tables
from hybridret.reporting.write import write_report

pytestmark = pytest.mark.slow

ATTACK = "<img src=x onerror=alert(1)>=1+1|\x1b[2J"
EXAMPLE = {"kind": "near", "benchmark": ATTACK, "training": "other", "training_language": "en", "similarity": 0.9}
RECORD: dict[str, Any] = {
    "rows": [
        {
            "dataset": "squad", "benchmark": "d", "side": "questions", "language": "en", "texts": 200, "exact": 1,
            "near": 2, "through_ids": 3, "examples": [EXAMPLE],
        }
    ],
    "compared": {"d": {"questions": 400, "passages": 300}},
    "trained": {"questions": 10, "passages": 10},
    "largest": None,
    "near": {"questions": True, "passages": False},
    "threshold": 0.8,
}  # fmt: skip


def change(path: Path, **values: object) -> None:
    result = json.loads((path / "result.json").read_text())
    (path / "result.json").write_text(json.dumps(result | values))


def sweep_with(fabricate: ModuleType, folder: Path, *records: Any) -> Path:
    for seed, record in enumerate(records, 1):
        change(fabricate.run(folder / "sweep", "mono", seed, datasets={"d": ("en", "de")}), leaks=record)
    return folder / "sweep"


def test_rows_and_what_is_clean(fabricate: ModuleType, tmp_path: Path) -> None:
    sweep = collect(sweep_with(fabricate, tmp_path, RECORD, RECORD))
    (table,) = leak_tables(sweep)
    assert table.name == "leaks"
    assert table.caption == "Test texts in the training data (2 runs)"
    assert [[cell.value for cell in row][:9] for row in table.rows] == [
        ["squad", "d", "questions", "en", 200, 1, 2, 3, 0.03],
        ["all", "d", "passages", "all", 300, 0, 0, 0, 0.0],
    ]
    assert table.note.endswith("Of passages only equal ones were looked for.")
    page = write_report(sweep, tmp_path / "report")
    text = page.read_text(encoding="utf-8")
    assert "Test texts in the training data (2 runs)</summary>" in text
    assert "&lt;img src=x onerror" in text
    assert "<img src=x" not in text
    assert "\x1b" not in text
    assert (page.parent / "tables" / "leaks.csv").is_file()


def test_different_records_and_runs_without_one(fabricate: ModuleType, tmp_path: Path) -> None:
    other = copy.deepcopy(RECORD)
    other["rows"][0]["exact"] = 5
    tables = leak_tables(collect(sweep_with(fabricate, tmp_path, RECORD, other, None)))
    assert [table.name for table in tables] == ["leaks_1", "leaks_2"]
    assert leak_tables(collect(sweep_with(fabricate, tmp_path / "none", None))) == []


@pytest.mark.parametrize(
    "broken",
    [
        {"rows": 3},
        {"rows": [3]},
        {"rows": [{**RECORD["rows"][0], "texts": "many"}]},
        {"rows": [{**RECORD["rows"][0], "examples": "none"}]},
        {"compared": {"d": 3}},
        {"near": [1]},
    ],
)
def test_a_record_of_another_shape_is_damage(fabricate: ModuleType, tmp_path: Path, broken: dict[str, Any]) -> None:
    folder = sweep_with(fabricate, tmp_path, RECORD, RECORD | broken)
    assert [row["state"] for row in collect(folder).failures.to_dict("records")] == ["damaged"]
