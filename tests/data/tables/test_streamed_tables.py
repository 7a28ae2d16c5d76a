"""Streamed tables against their slow twin, value by value."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
import slow_tables as twins

from hybridret.batching.cross import Cross
from hybridret.data.prepared.source import PreparedSource
from hybridret.data.tables import arrange, delimited, formats, json_lines, numbering
from hybridret.data.tables.hub import hub
from hybridret.data.tables.json_rows import json_rows
from hybridret.data.tables.parquet import parquet
from hybridret.data.tables.source import TableSource
from hybridret.data.tables.tsv import tsv

LANGUAGES = ("en", "de", "zh")
MAKERS = {"tsv": tsv, "csv": tsv, "jsonl": json_rows, "parquet": parquet}


def random_files(seed: int, ids: bool, passage_ids: bool, negatives: bool) -> list[list[dict[str, Any]]]:
    """Two files of rows in three languages: repeated rows, questions with several passages, shared passages."""
    rng = np.random.default_rng(seed)
    files: list[list[dict[str, Any]]] = [[], []]
    for _ in range(200):
        language = LANGUAGES[rng.integers(3)]
        q, p = int(rng.integers(90)), int(rng.integers(99))
        if rng.random() < 0.85:
            p = q  # most questions have one passage
        row = {"lang": language, "q": f'"{language} question {q}\u2028?', "p": f"{language} passage {p}\x85 漢"}
        if ids:
            row["qid"] = f"q{q}"
        if passage_ids:
            row["pid"] = f"p{p}" if rng.random() < 0.9 else f"copy of p{p}"
        if negatives:
            row["negatives"] = [f"{language} passage {n}\x85 漢" for n in rng.integers(120, size=rng.integers(4))]
        files[rng.integers(2)].append(row)
    return files


def source(folder: Path, kind: str, ids: bool, passage_ids: bool, negatives: bool, **options: Any) -> TableSource:
    columns = {"question": "q", "passage": "p", "language": "lang"}
    columns |= {"id": "qid"} if ids else {}
    columns |= {"passage_id": "pid"} if passage_ids else {}
    columns |= {"negatives": "negatives"} if negatives else {}
    options = {"validation_questions": 9, **options}
    if kind == "csv":
        options |= {"delimiter": ",", "quoted": True}
    made: TableSource = MAKERS[kind](str(folder), columns=columns, **options)
    return made


def written_file(folder: Path, kind: str, files: list[list[dict[str, Any]]]) -> Path:
    folder.mkdir()
    for number, rows in enumerate(files):
        twins.WRITERS[kind](folder / f"{number}.{kind}", rows)
    return folder


@pytest.fixture
def small_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    """Many blocks, batches and files where there are few rows."""
    for module, name, value in (
        (delimited, "BLOCK", 300), (json_lines, "BLOCK", 300), (formats, "ROWS", 7), (numbering, "READ", 5)
    ):  # fmt: skip
        monkeypatch.setattr(module, name, value)


@pytest.mark.usefixtures("small_pieces")
@pytest.mark.parametrize("kind", MAKERS)
@pytest.mark.parametrize(("ids", "passage_ids"), [(True, True), (True, False), (False, True), (False, False)])
def test_the_streamed_pairs_are_those_of_the_slow_twin(tmp_path: Path, kind: str, ids: bool, passage_ids: bool) -> None:
    negatives = kind in ("jsonl", "parquet")
    files = random_files(list(MAKERS).index(kind), ids, passage_ids, negatives)
    folder = written_file(tmp_path / "rows", kind, files)
    made = PreparedSource(source(folder, kind, ids, passage_ids, negatives))
    training, validation = twins.twin(files, 9, ids, passage_ids)
    assert len(training) > 20
    assert len(validation) >= 9
    if not negatives:
        for pair in (*training, *validation):
            pair.negatives = {language: [] for language in pair.texts}
    assert twins.pairs_of(made.training()[0]) == training
    assert twins.pairs_of(made.validation()) == validation


def test_files_of_one_language_each(tmp_path: Path) -> None:
    files = random_files(3, True, True, False)
    rows = [row for one in files for row in one]
    own = [[row for row in rows if row["lang"] == language] for language in LANGUAGES]
    folder = written_file(tmp_path / "rows", "tsv", own)
    columns = {"question": "q", "passage": "p", "id": "qid", "passage_id": "pid"}
    made = PreparedSource(
        tsv(str(folder), {"eng": "0.tsv", "de": ["1.tsv"], "mandarin": "2.*"}, columns, rename={"mandarin": "zho"},
            validation_questions=9)
    )  # fmt: skip
    assert (twins.pairs_of(made.training()[0]), twins.pairs_of(made.validation())) == twins.twin(own, 9, True, True)
    fewer = PreparedSource(
        tsv(str(folder), {"en": "0.tsv", "de": "1.tsv", "zh": "2.tsv"}, columns, languages=["zh", "de"],
            validation_questions=9)
    )  # fmt: skip
    assert fewer.training()[0].languages == ("zh", "de")
    assert fewer.summary()["rows_read"] == len(own[1]) + len(own[2])  # type: ignore[index]


@pytest.mark.parametrize("written", ["zh_Hant", "zh-hant", "Traditional"])
def test_codes_are_renamed_in_any_usual_form(tmp_path: Path, written: str) -> None:
    rows = [{"lang": written, "q": f"q {n}", "p": f"p {n}"} for n in range(20)]
    rename = {"zh-Hant": "zh", "Traditional": "zh"}
    made = PreparedSource(
        source(written_file(tmp_path / "rows", "tsv", [rows]), "tsv", False, False, False, rename=rename)
    )
    assert made.training()[0].languages == ("zh",)


def test_a_subset_of_languages_in_a_column(tmp_path: Path) -> None:
    files = random_files(4, True, True, False)
    made = PreparedSource(
        source(written_file(tmp_path / "rows", "tsv", files), "tsv", True, True, False, languages=["de"])
    )
    kept = [[row for row in rows if row["lang"] == "de"] for rows in files]
    assert (twins.pairs_of(made.training()[0]), twins.pairs_of(made.validation())) == twins.twin(kept, 9, True, True)
    assert made.summary()["rows_of_other_languages"] == sum(map(len, files)) - sum(map(len, kept))  # type: ignore[index]


def test_a_long_chain_is_one_group(tmp_path: Path) -> None:
    rows = [{"q": f"q{n}", "p": f"p{n + step}"} for n in range(300) for step in (0, 1)]
    rows += [{"q": f"alone {n}", "p": f"alone {n}"} for n in range(40)]
    np.random.default_rng(1).shuffle(rows)  # type: ignore[arg-type]
    folder = written_file(tmp_path / "rows", "tsv", [rows])
    made = PreparedSource(tsv(str(folder), {"en": "*.tsv"}, {"question": "q", "passage": "p"}, validation_questions=2))
    pairs = [*twins.pairs_of(made.training()[0]), *twins.pairs_of(made.validation())]
    groups = {pair.group for pair in pairs if not pair.texts["en"][0].startswith("alone")}
    assert len(groups) == 1
    assert len({pair.group for pair in pairs}) == 41


@pytest.mark.parametrize("count", [0, 1, 11, 12, 13, 61, 200])
def test_texts_come_in_the_order_of_their_numbers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, count: int) -> None:
    monkeypatch.setattr(arrange, "ROWS", 4)
    monkeypatch.setattr(arrange, "FILES", 3)
    rng = np.random.default_rng(count)
    texts = [f"text {number}" for number in range(100)]
    sources = np.sort(rng.choice(100, min(count, 50), replace=False))
    rows = rng.permutation(count)[: len(sources)]
    batches = [(start, pa.record_batch([pa.array(texts[start : start + 9], pa.large_string())], ["text"]))
               for start in range(0, 100, 9)]  # fmt: skip
    targets = [pa.record_batch([pa.array(sources[at : at + 7]), pa.array(rows[at : at + 7])], ["n", "r"])
               for at in range(0, len(sources), 7)]  # fmt: skip
    lacking = pa.record_batch([pa.array([None], pa.large_string())], ["text"])
    found = list(arrange.arranged(batches, targets, count, tmp_path / "new", lacking))
    expected: list[str | None] = [None] * count
    for at, row in zip(sources.tolist(), rows.tolist(), strict=True):
        expected[row] = texts[at]
    assert [text for batch in found for text in batch.column(0).to_pylist()] == expected
    assert all(len(batch) == 4 for batch in found[:-1])
    assert not (tmp_path / "new").exists()


def test_numbers_titles_and_several_columns_of_negatives(tmp_path: Path) -> None:
    rows = [
        {"n": number, "anchor": f"question {number}", "head": "Head" if number % 2 else "",
         "positive": f"text {number}", "negative_1": f"text {number + 1}",
         "negative_2": "" if number % 3 else "nowhere"}
        for number in range(20)
    ]  # fmt: skip
    folder = written_file(tmp_path / "rows", "parquet", [rows])
    columns = {"question": "anchor", "passage": "positive", "title": "head", "id": "n",
               "negatives": ["negative_1", "negative_2"]}  # fmt: skip
    made = PreparedSource(parquet(str(folder), {"en": "0.parquet"}, columns, validation_questions=2))
    data = made.training()[0]
    held = list(made.validation().passages["en"])
    by_id = dict(zip(data.question_ids, range(len(data)), strict=True))
    for name, at in by_id.items():
        number = int(name)
        assert data.passages["en"][at] == (f"Head text {number}" if number % 2 else f"text {number}")
        texts = [one.text for one in data.negatives["en"][at]]
        following = [f"text {number + 1}"] if f"text {number + 1}" not in held else []
        assert texts == [*following, *(["nowhere"] if number % 3 == 0 else [])]


def test_cross_batches_pair_translations(tmp_path: Path) -> None:
    rows = [
        {"lang": one, "qid": f"{n}", "q": f"{one} {n}", "p": f"{one} {n}"} for n in range(60) for one in ("en", "fr")
    ]
    made = PreparedSource(
        source(written_file(tmp_path / "rows", "tsv", [rows]), "tsv", True, False, False, parallel=True)
    )
    data = made.training()
    batch = Cross().schedule(data, 8)(1, 0)
    for question, asked, answered in zip(batch.questions, batch.query_languages, batch.passage_languages, strict=True):
        query = str(data[0].queries[data[0].languages[asked]][int(question)])
        passage = str(data[0].passages[data[0].languages[answered]][int(question)])
        assert query.split()[0] != passage.split()[0]
        assert query.split()[1] == passage.split()[1]


def test_a_folder_with_the_layout_of_a_hub_dataset(tmp_path: Path) -> None:
    """sentence-transformers' triplets: anchor, positive, negative in CONFIG/train-*.parquet."""
    rows = [{"anchor": f"q {n}", "positive": f"p {n}", "negative": f"p {n + 1}"} for n in range(30)]
    (tmp_path / "triplet").mkdir()
    twins.write_parquet(tmp_path / "triplet/train-00000-of-00002.parquet", rows[:15])
    twins.write_parquet(tmp_path / "triplet/train-00001-of-00002.parquet", rows[15:])
    made = PreparedSource(
        hub("OWNER/NAME", "a" * 40, {"en": "triplet/train-*.parquet"}, str(tmp_path),
            {"question": "anchor", "passage": "positive", "negatives": "negative"}, validation_questions=3)
    )  # fmt: skip
    files = [[{"lang": "en", "q": one["anchor"], "p": one["positive"], "negatives": [one["negative"]]} for one in part]
             for part in (rows[:15], rows[15:])]  # fmt: skip
    assert (twins.pairs_of(made.training()[0]), twins.pairs_of(made.validation())) == twins.twin(files, 3, False, False)
    assert made.name == "NAME"
