"""What was drawn and what the reader kept: the tables of the mix, the data and the notes of a run."""

from __future__ import annotations

import json
import re
from pathlib import Path
from types import ModuleType

import pandas as pd
import pytest

from hybridret.reporting.collect import collect
from hybridret.reporting.sweep_facts import facts
from hybridret.reporting.tables_data import data_tables
from hybridret.reporting.tables_mix import mix_language_table, mix_table
from hybridret.reporting.write import write_report

pytestmark = pytest.mark.slow

SUMMARY = {
    "name": "jsonl",
    "languages": ["de", "en"],
    "rows": {"read": 9000, "train": 8000},
    "dropped_rows": {"other_language": 12, "shares_article_with_held_out": 0},
    "rows_per_language": {"train": {"de": 3000, "en": 5000}},
    "dropped_negatives": 3,
}


def change(path: Path, **values: object) -> None:
    result = json.loads((path / "result.json").read_text())
    (path / "result.json").write_text(json.dumps(result | values))


def test_mix_counts_ordered_pairs_and_shares_of_languages(small: Path) -> None:
    sweep = collect(small)
    mix, languages = mix_table(sweep), mix_language_table(sweep)
    assert mix is not None
    assert languages is not None
    assert [column.name for column in mix.columns[-3:]] == [
        "ordered pairs drawn",
        "ordered pairs fewest rows",
        "ordered pairs most rows",
    ]
    found = {str(row[0].value).split(",")[0]: [cell.value for cell in row[-3:]] for row in mix.rows}
    assert found == {
        "batching-mono": [None] * 3,
        "batching-cross": [3, 50, 70],
        "batching-hybrid": [3, 50, 70],
    }
    assert [[cell.value for cell in row[1:]] for row in languages.rows] == [[400, 0.25, 0.75]] * 6  # no row of cross


def test_a_strategy_without_an_alpha_of_its_own_shows_the_realised_one(fabricate: ModuleType, tmp_path: Path) -> None:
    fabricate.run(tmp_path / "sweep", "curriculum", 1)
    fabricate.run(tmp_path / "sweep", "hybrid", 1, alpha=0.5)
    fabricate.run(tmp_path / "sweep", "cross", 1)
    mix = mix_table(collect(tmp_path / "sweep"))
    assert mix is not None
    shown = {str(row[0].value).split(",")[0]: [cell.value for cell in row[1:3]] for row in mix.rows}
    assert shown["batching-hybrid"] == [0.5, 0.4917]
    assert all(pd.isna(value) for value in (shown["batching-curriculum"][0], *shown["batching-cross"]))
    assert shown["batching-curriculum"][1] == 0.4917


def test_the_summary_of_the_data_is_a_folded_section(fabricate: ModuleType, tmp_path: Path) -> None:
    for seed in (1, 2):
        path = fabricate.run(tmp_path / "sweep", "mono", seed, datasets={"d": ("en", "de")})
        change(path, data={"name": "jsonl", "fingerprint": "f", "licence": "l", "summary": SUMMARY})
    sweep = collect(tmp_path / "sweep")
    (table,) = data_tables(sweep)
    assert table.name == "data"
    assert {row[0].value: row[1].value for row in table.rows} == {
        "languages": "de, en",
        "rows": "read 9,000, train 8,000",
        "dropped rows": "other language 12, shares article with held out 0",
        "rows per language": "train (de 3,000, en 5,000)",
        "dropped negatives": "3",
    }
    page = write_report(sweep, tmp_path / "report")
    text = page.read_text(encoding="utf-8")
    assert re.search(r'<section id="training-data"[^>]*><h2>Data</h2>.{0,80}<details>', text, re.DOTALL)
    assert "other language 12" in text
    assert (page.parent / "tables" / "data.csv").is_file()


def test_results_on_a_benchmark_whose_train_split_was_trained_on_are_marked(
    fabricate: ModuleType, tmp_path: Path
) -> None:
    tested = {"miracl": ("en", "de"), "miracl_hard_negatives": ("en", "de"), "miraclous": ("en",), "xquad_r": ("en",)}
    path = fabricate.run(tmp_path / "sweep", "mono", 1, datasets=tested)
    summary = {"name": "miracl", "train_split_of": ["miracl", "mr_tydi"]}
    change(path, data={"name": "miracl", "fingerprint": "f", "licence": "l", "summary": summary})
    (table,) = data_tables(collect(tmp_path / "sweep"))
    shown = {row[0].value: row[1].value for row in table.rows}
    assert shown == {
        "train split of": "miracl, mr_tydi",
        "not zero-shot": "miracl, miracl_hard_negatives: the train split was trained on",
    }
    mixed = {"name": "mix", "sources": {"ours": None, "wiki": summary}}
    other = {"name": "beir", "train_split_of": ["beir_nq"]}
    for one, rows in ((mixed, ["sources", "not zero-shot"]), (other, ["train split of"])):
        change(path, data={"name": "d", "fingerprint": "f", "licence": "l", "summary": one})
        (table,) = data_tables(collect(tmp_path / "sweep"))
        assert [row[0].value for row in table.rows] == rows


def test_without_a_summary_there_is_no_section(small: Path) -> None:
    assert data_tables(collect(small)) == []


def test_notes_of_a_dataset_and_of_the_run_are_shown(fabricate: ModuleType, tmp_path: Path) -> None:
    path = fabricate.run(tmp_path / "sweep", "mono", 1, datasets={"d": ("en", "de")})
    change(path, notes={"d": {"tokens": "of 2000 texts"}, "tokens": "of all texts"})
    sweep = collect(tmp_path / "sweep")
    assert sweep.notes[["dataset", "key", "text"]].to_numpy().tolist() == [
        ["d", "tokens", "of 2000 texts"],
        ["", "tokens", "of all texts"],
    ]
    assert [fact.text for fact in facts(sweep).data if fact.name == "tokens"] == ["of all texts"]
    text = write_report(sweep, tmp_path / "report").read_text(encoding="utf-8")
    assert "of 2000 texts" in text
    assert "of all texts" in text


def test_a_row_that_is_no_part_of_a_curve_is_named(fabricate: ModuleType, tmp_path: Path) -> None:
    path = fabricate.run(tmp_path, "mono", 1)
    (path / "history.jsonl").write_text('{"step": 1, "split": "train"}\n{"step": 2}\n')
    sweep = collect(tmp_path)
    assert sweep.history.empty
    (text,) = sweep.notes.loc[sweep.notes["key"] == "left out", "text"]
    assert "history.jsonl, line 2: not a row of a training curve, it lacks 'split'" in text
