"""Rows whose texts were cut or prefixed otherwise never stand side by side without a mark and a note."""

from __future__ import annotations

import csv
import io
import json
import re
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from rich.console import Console

from hybridret.reporting.collect import Sweep, collect
from hybridret.reporting.page import Shown, render_page
from hybridret.reporting.summary import summary_table
from hybridret.reporting.tables import main_table
from hybridret.reporting.templates import call
from hybridret.reporting.texts import text_words
from hybridret.reporting.write import all_tables

DATASET = "d"
TRAINED = {"query_prefix": "Query: ", "passage_prefix": "Passage: ", "query_length": 32, "passage_length": 64}
PLAIN = {"query_prefix": "", "passage_prefix": "", "query_length": 64, "passage_length": 256}
WORDS = '32/64 tokens, "Query: ", "Passage: "'
OTHER = "64/256 tokens, no prefixes"
NOTE = f"Text settings differ, queries/passages: unmarked: {WORDS}; †: {OTHER}; BM25: whole texts."


def add(fabricate: ModuleType, folder: Path, strategy: str, seed: int, text: dict[str, Any], **options: Any) -> Path:
    """A finished run whose config.yaml has `text`, with the folder named by its lengths besides."""
    options = {"datasets": {DATASET: ("de", "en")}, "config": {"text": text}} | options
    path: Path = fabricate.run(folder, strategy, seed, **options)
    return path.rename(path.with_name(f"{text.get('query_length')}-{path.name}"))


@pytest.fixture
def mixed(fabricate: ModuleType, tmp_path: Path) -> Sweep:
    """A trained model, the untrained one with other lengths and no prefixes, and BM25."""
    add(fabricate, tmp_path, "mono", 1, TRAINED)
    add(fabricate, tmp_path, "none", 1, PLAIN, trained=False, backbone="minilm")
    add(fabricate, tmp_path, "none", 2, PLAIN, trained=False, backbone="bm25")
    return collect(tmp_path)


def test_rows_are_marked_and_the_note_names_the_settings(mixed: Sweep) -> None:
    table = main_table(mixed, DATASET)
    assert [(row[0].value, table.mark(i)) for i, row in enumerate(table.rows)] == [
        ("mono", ""),
        ("BM25", ""),
        ("minilm, not trained", " †"),
    ]
    assert table.note == NOTE
    assert "| minilm, not trained † |" in table.markdown()
    assert table.markdown().endswith(f"\n\n{NOTE}\n")
    assert re.search(r'<th scope="row"[^>]*>minilm, not trained †</th>', call("table.html", "table", table))
    rows = {row["configuration"]: row["text settings"] for row in csv.DictReader(io.StringIO(table.csv()))}
    assert rows == {"mono": WORDS, "minilm, not trained": OTHER, "BM25": "whole texts"}


def test_every_table_with_rows_of_both_says_it(mixed: Sweep) -> None:
    for table in all_tables(mixed):
        named = {cell.value for row in table.rows for cell in row[:1]}
        both = {"mono", "minilm, not trained"} <= named or set(mixed.runs["run"]) <= named
        assert bool(table.note) == both, table.name


def test_the_page_and_the_terminal_say_it(mixed: Sweep) -> None:
    page = render_page([Shown(mixed, {}, {DATASET: {}})])
    assert page.count("†: 64/256 tokens") >= 3
    console = Console(width=300, record=True, file=io.StringIO())
    console.print(summary_table(mixed))
    shown = console.export_text()
    assert "minilm, not trained †" in shown
    assert NOTE in " ".join(shown.split())


def test_one_setting_has_no_marks(fabricate: ModuleType, tmp_path: Path) -> None:
    add(fabricate, tmp_path, "mono", 1, PLAIN)
    add(fabricate, tmp_path, "none", 1, PLAIN, trained=False, backbone="minilm")
    add(fabricate, tmp_path, "none", 2, PLAIN, trained=False, backbone="bm25")
    tables = all_tables(collect(tmp_path))
    assert not any(table.note or table.remarks for table in tables)


def test_untrained_rows_of_other_settings_are_no_seeds(fabricate: ModuleType, tmp_path: Path) -> None:
    add(fabricate, tmp_path, "none", 1, PLAIN, trained=False, backbone="minilm")
    add(fabricate, tmp_path, "none", 1, TRAINED, trained=False, backbone="minilm")
    table = main_table(collect(tmp_path), DATASET)
    assert sorted((row[0].value, row[1].value) for row in table.rows) == [
        (f"minilm, not trained, text={WORDS}", 1),
        (f"minilm, not trained, text={OTHER}", 1),
    ]
    assert table.note


def test_the_result_wins_over_the_config(fabricate: ModuleType, tmp_path: Path) -> None:
    """A sentence-transformers model has prompts and lengths of its own."""
    path = add(fabricate, tmp_path, "none", 1, PLAIN, trained=False, backbone="e5")
    result = json.loads((path / "result.json").read_text(encoding="utf-8"))
    (path / "result.json").write_text(json.dumps(result | {"text": TRAINED}), encoding="utf-8")
    assert collect(tmp_path).runs["text"].tolist() == [WORDS]


@pytest.mark.parametrize(
    ("result", "settings", "words"),
    [
        ({"training": {}}, {}, "not recorded"),
        ({"training": {}, "text": "?"}, {}, "not recorded"),
        ({"training": None, "parameters": None}, {"text.query_length": 64, "text.passage_length": 256}, "whole texts"),
        ({"text": None}, {"text.query_length": 64, "text.passage_length": 256}, "whole texts"),
        (
            {"parameters": {"total": 1}},
            {"text.query_length": 64, "text.passage_length": 256, "backbone._target_": "x.SentenceTransformers"},
            "not recorded",
        ),
        (
            {"parameters": {"total": 1}},
            {"text.query_length": 64, "text.passage_length": 256, "text.query_prefix": "query: "},
            '64/256 tokens, "query: ", ""',
        ),
    ],
)
def test_older_results_are_read_from_their_config(result: Any, settings: Any, words: str) -> None:
    assert text_words(result, settings) == words
