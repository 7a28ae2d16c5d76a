"""The data cards of the runs in the report."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from hybridret.reporting.collect import collect
from hybridret.reporting.tables_cards import card_tables
from hybridret.reporting.write import write_report

pytestmark = pytest.mark.slow

ATTACK = "<img src=x onerror=alert(1)>|\x1b[2J"


def lengths(start: int) -> dict[str, float]:
    return {"texts": 9, "mean": start + 0.5, "median": start, "p95": start + 2, "max": start + 3}


def texts(questions: int, passages: int, asked: Any, answered: Any) -> dict[str, Any]:
    return {
        "questions": questions, "passages": passages, "question_characters": asked, "passage_characters": answered
    }  # fmt: skip


def dataset(part: str = "training", name: str = "squad", complete: bool = False) -> dict[str, Any]:
    return {
        "part": part, "name": name, "languages": ["en", "de"], "questions": 1200, "groups": 500, "one_in": 1,
        "in_all_languages": 1200 if complete else 700, "coverage": [[1200, 700], [700, 700]],
        "texts": {
            "en": texts(1200, 500, lengths(40), lengths(700)),
            "de": texts(700, 0, lengths(50), None),
        },
    }  # fmt: skip


CARD: dict[str, Any] = {
    "version": 1, "layout": 1, "copy": "c", "prepared": "2026-01-01", "files": [], "test": [], "shared": [],
    "datasets": [dataset(), dataset("validation", "held")],
    "tokens": {"sample": 2000, "languages": {"en": {"question": lengths(9), "passage": lengths(90)}, "de": {}}},
}  # fmt: skip


def sweep_with(fabricate: ModuleType, folder: Path, *cards: Any) -> Path:
    for seed, card in enumerate(cards, 1):
        path = fabricate.run(folder / "sweep", "mono", seed, datasets={"d": ("en", "de")})
        result = json.loads((path / "result.json").read_text())
        data = {"name": "jsonl", "fingerprint": "f", "licence": "l", "card": card}
        (path / "result.json").write_text(json.dumps({**result, "data": data}))
    return folder / "sweep"


def test_lengths_and_the_languages_that_questions_share(fabricate: ModuleType, tmp_path: Path) -> None:
    moved = {**CARD, "prepared": "2027-01-01", "copy": "d"}  # the same data in another cache
    sweep = collect(sweep_with(fabricate, tmp_path, CARD, moved))
    table, matrix = card_tables(sweep)
    assert (table.name, matrix.name) == ("data_lengths", "data_coverage_1")
    assert table.caption == "Languages and lengths of the training data (2 runs)"
    assert [[cell.value for cell in row] for row in table.rows][:2] == [
        [
            *("squad", "training", "en (English)", 1200, 500, 40.5, 40, 42, 43, 700.5, 700, 702, 703),
            *(9.5, 9, 11, 12, 90.5, 90, 92, 93),
        ],
        ["squad", "training", "de (German)", 700, 0, 50.5, 50, 52, 53, *[None] * 12],
    ]  # fmt: skip
    assert table.rows[2][13].value is None  # tokens are of the training
    assert "2,000 evenly spaced" in table.note
    assert [[cell.value for cell in row] for row in matrix.rows] == [["en", 1200, 700], ["de", 700, 700]]
    assert matrix.note == "700 of 1,200 questions exist in all languages."
    page = write_report(sweep, tmp_path / "report")
    text = page.read_text(encoding="utf-8")
    assert "<details><summary>Languages and lengths of the training data (2 runs)</summary>" in text
    assert "Questions of squad that exist in both languages (2 runs)</summary>" in text
    assert (page.parent / "tables" / "data_lengths.csv").is_file()


def test_a_complete_matrix_is_a_sentence(fabricate: ModuleType, tmp_path: Path) -> None:
    card = {**CARD, "datasets": [dataset(complete=True)], "tokens": None}
    (table,) = card_tables(collect(sweep_with(fabricate, tmp_path, card)))
    assert "All 1,200 questions of squad exist in all languages." in table.note
    assert len(table.columns) == 13


def test_names_of_somebody_else_are_escaped(fabricate: ModuleType, tmp_path: Path) -> None:
    page = write_report(
        collect(sweep_with(fabricate, tmp_path, {**CARD, "datasets": [dataset(name=ATTACK)]})), tmp_path / "report"
    )
    text = page.read_text(encoding="utf-8")
    assert "<img src=x" not in text
    assert "&lt;img src=x" in text
    assert "\x1b" not in text


def test_different_cards_and_runs_without_one(fabricate: ModuleType, tmp_path: Path) -> None:
    other = {**CARD, "datasets": [dataset(name="other")]}
    names = [table.name for table in card_tables(collect(sweep_with(fabricate, tmp_path, CARD, other, None)))]
    assert names == ["data_lengths_1", "data_coverage_1_1", "data_lengths_2", "data_coverage_2_1"]
    assert card_tables(collect(sweep_with(fabricate, tmp_path / "none", None))) == []


def broken(key: str, value: Any) -> dict[str, Any]:
    one = copy.deepcopy(dataset())
    one[key] = value
    return {**CARD, "datasets": [one]}


@pytest.mark.parametrize(
    "card",
    [
        {**CARD, "datasets": 3},
        {**CARD, "datasets": [3]},
        {**CARD, "tokens": {"languages": {"en": {"question": 3}}}},
        broken("coverage", [[1], [2]]),
        broken("coverage", [[1, 2]]),
        broken("questions", "many"),
        broken("texts", {}),
        broken("languages", "en"),
        broken("texts", {one: {**dataset()["texts"][one], "passages": None} for one in ("en", "de")}),
        broken("texts", {one: {**dataset()["texts"][one], "question_characters": {}} for one in ("en", "de")}),
    ],
)
def test_a_card_of_another_shape_is_damage(fabricate: ModuleType, tmp_path: Path, card: Any) -> None:
    folder = sweep_with(fabricate, tmp_path, CARD, card)
    assert [row["state"] for row in collect(folder).failures.to_dict("records")] == ["damaged"]
