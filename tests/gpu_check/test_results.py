"""What a check writes, finds again, and makes of it: files, goals, page."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import pytest
from gpu.budget import Budget, Turn
from gpu.case import Case, Row, Way
from gpu.check import Check, with_best
from gpu.machine import code, folder_name
from gpu.page import page, plain, table
from gpu.results import kept
from gpu.verdicts import derived, verdicts

MACHINE = {
    "device": "NVIDIA H200",
    "torch": "2.11",
    "transformers": "5.17",
    "cuda": "13.0",
    "commit": "c0",
    "sources": "s0",
}
TRAIN = Way({"batch_size": 100}, 5.0, {"flops_per_step": 4e12, "flops_per_step_executed": 6e12, "planned_bytes": 100})
CASES = [
    Case("peaks of the card", "peak", 9, (Way({}, 1.0),), first=True),
    Case("3b adamw, 100 pairs", "train", 5, (TRAIN,)),
    Case("3b adamw, large batch", "train", 1, (TRAIN,), after=("3b adamw, 100 pairs",)),
    Case("10b adam8bit, 100 pairs", "train", 1, (), "torchao is not installed"),
]
ANSWERS: dict[str, Row] = {
    "peaks of the card": {"bf16_flops_per_second": 8e12},
    "3b adamw, 100 pairs": {"seconds_per_step": 1.0, "pairs_per_second": 100.0, "peak_bytes": 95, "pairs": 100},
    "3b adamw, large batch": {"seconds_per_step": 1.0, "pairs_per_second": 100.0, "peak_bytes": 111, "pairs": 8192},
}


def check(folder: Path, answers: dict[str, Row], asked: list[str], **machine: str) -> Check:
    def measure(turn: Turn) -> Row:
        asked.append(turn.case.name)
        return dict(answers[turn.case.name])

    made = Check(measure, Budget(1000), MACHINE | machine, folder, kept(folder, "NVIDIA H200"))
    made.run(CASES, lambda text: None)
    return made


def test_rows_are_written_with_what_was_expected_and_reached(tmp_path: Path) -> None:
    check(tmp_path, ANSWERS, [])
    written = json.loads((tmp_path / "gpu_check.json").read_text())
    rows = {row["case"]: row for row in written["cases"]}
    assert list(rows) == [case.name for case in CASES[:3]]
    assert rows["3b adamw, 100 pairs"]["mfu"] == 0.5
    assert rows["3b adamw, 100 pairs"]["hardware_utilisation"] == 0.75
    assert rows["3b adamw, 100 pairs"]["peak_to_plan"] == 0.95
    assert rows["3b adamw, 100 pairs"]["commit"] == "c0"
    assert written["left_out"] == {"10b adam8bit, 100 pairs": "torchao is not installed"}
    with open(tmp_path / "gpu_check.csv", encoding="utf-8") as file:
        table_rows = list(csv.DictReader(file))
    assert [row["case"] for row in table_rows] == list(rows)
    assert float(table_rows[1]["mfu"]) == 0.5
    text = (tmp_path / "README.md").read_text()
    assert text.startswith("# NVIDIA H200\n")
    assert "- commit: c0" in text
    assert "| 10b adam8bit, 100 pairs | torchao is not installed |" in text


def test_goals_are_met_or_missed() -> None:
    rows = [derived(case, case.ways[0], ANSWERS[case.name], ANSWERS["peaks of the card"]) for case in CASES[:3]]
    found = {one["goal"]: (one["reached"], one["met"]) for one in verdicts(rows)}
    assert found["MFU of 3b adamw at least 45%"] == ("50.0% (3b adamw, 100 pairs)", True)
    assert found["peak within 10% of plan: 3b adamw, 100 pairs"] == ("0.950", True)
    assert found["peak within 10% of plan: 3b adamw, large batch"] == ("1.110", False)
    assert found["peak of 8192 pairs at most 1.05 of few: 3b adamw, large batch"] == ("1.168", False)


def test_bounds_of_exactness_and_their_seconds_are_goals() -> None:
    bounds = [{"what": "error", "value": 2e-3, "bound": 1e-4, "least": False, "holds": False}]
    row = {"case": "exact: gradients", "kind": "exact", "bounds": bounds, "seconds_of_case": 41.0}
    assert [one["met"] for one in verdicts([row])] == [False, False]


def test_search_is_held_against_bare_products_of_as_many_vectors() -> None:
    card = {"case": "search fp32, vectors on the card", "kind": "search", "passages": 10, "seconds_bare_product": 1.0,
            "times_bare_product": 1.1}  # fmt: skip
    package = {"case": "search fp32, by the package", "kind": "search", "passages": 5, "seconds": 0.65}
    assert [(one["reached"], one["met"]) for one in verdicts([card, package])] == [("1.10", True), ("1.30", False)]


def test_a_second_call_measures_what_is_missing_only(tmp_path: Path) -> None:
    failed = ANSWERS | {"3b adamw, large batch": {"failed": "out of memory"}}
    asked: list[str] = []
    check(tmp_path, failed, asked)
    assert len(asked) == 3
    again: list[str] = []
    check(tmp_path, ANSWERS, again)
    assert again == ["3b adamw, large batch"]
    none: list[str] = []
    made = check(tmp_path, ANSWERS, none)
    assert none == []
    assert [row["case"] for row in made.rows] == [case.name for case in CASES[:3]]


@pytest.mark.parametrize("change", [{"sources": "s1"}, {"torch": "2.12"}])
def test_other_code_or_versions_are_measured_again(tmp_path: Path, change: dict[str, str]) -> None:
    check(tmp_path, ANSWERS, [])
    asked: list[str] = []
    check(tmp_path, ANSWERS, asked, **change)
    assert len(asked) == 3


def test_another_commit_of_the_same_sources_is_not(tmp_path: Path) -> None:
    check(tmp_path, ANSWERS, [])
    asked: list[str] = []
    check(tmp_path, ANSWERS, asked, commit="c1")
    assert asked == []


@pytest.mark.parametrize("damage", ["", "{", "[]", '{"version": 1}', '{"version": 7, "machine": {}, "cases": []}'])
def test_a_damaged_file_is_written_anew(tmp_path: Path, damage: str) -> None:
    (tmp_path / "gpu_check.json").write_text(damage)
    asked: list[str] = []
    check(tmp_path, ANSWERS, asked)
    assert len(asked) == 3
    assert json.loads((tmp_path / "gpu_check.json").read_text())["cases"]


def test_files_are_there_after_each_case(tmp_path: Path) -> None:
    seen: list[int] = []

    def measure(turn: Turn) -> Row:
        path = tmp_path / "gpu_check.json"
        seen.append(len(json.loads(path.read_text())["cases"]) if path.exists() else 0)
        return dict(ANSWERS[turn.case.name])

    Check(measure, Budget(1000), MACHINE, tmp_path, []).run(CASES, lambda text: None)
    assert seen == [0, 1, 2]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["README.md", "gpu_check.csv", "gpu_check.json"]


def test_the_best_attention_is_the_fastest_of_those_before() -> None:
    case = Case("best", "train", 1, (Way({"attention": "best"}, 1.0),), after=("a", "b"))
    rows = [
        {"case": "a", "attention": "sdpa", "pairs_per_second": 90.0},
        {"case": "b", "attention": "packed", "pairs_per_second": 100.0},
        {"case": "c", "attention": "flash", "pairs_per_second": 900.0},
    ]
    turn = Turn(case, case.ways[0], 1.0, 1.0)
    assert with_best(turn, rows).way.options["attention"] == "packed"
    assert with_best(turn, []).way.options["attention"] == "flash"


def test_tables_leave_out_what_nobody_fills() -> None:
    rows: list[dict[str, Any]] = [{"case": "a", "mfu": 0.5, "peak_bytes": 2**31}, {"case": "b", "failed": "too slow"}]
    assert table(rows) == [
        ["case", "pairs", "MFU", "GiB at the peak", "failed"],
        ["a", "", "50.0%", "2.0", ""],
        ["b", "", "", "", "too slow"],
    ]
    assert plain([["a", "bcd"], ["ef", ""]]) == "a   bcd\nef"


def test_a_page_of_hostile_text_stays_a_table() -> None:
    rows = [{"case": "a", "failed": "x | y", "commit": "c"}]
    text = page({"machine": MACHINE, "cases": rows, "goals": [], "left_out": {}})
    assert r"| a |  | x \| y |" in text


def test_folders_and_sources_have_names() -> None:
    assert folder_name("NVIDIA H100 80GB HBM3") == "nvidia-h100-80gb-hbm3"
    assert len(str(code()["sources"])) == 16
