"""Train splits in BEIR's layout: several sets, archives, languages, and bad input."""

from __future__ import annotations

import gzip
import json
import logging
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from split_folders import all_pairs

from hybridret.base.errors import UserError
from hybridret.data.prepared.source import PreparedSource
from hybridret.data.train_splits.beir import BeirTrain

WriteBeir = Callable[..., Path]


def write_sets(write_beir: WriteBeir, folder: Path, names: tuple[str, ...] = ("fiqa", "scifact")) -> Path:
    """Question 0 has three passages of grades 1, 2 and 2, question 1 one of grade 0; ids are numbers in rows."""
    for name in names:
        corpus = [{"_id": str(n), "title": f"T{n}" if n % 2 else "", "text": f"{name} passage {n}"} for n in range(60)]
        queries: list[dict[str, Any]] = [{"_id": f"q{n}", "text": f"{name} question {n}?"} for n in range(30)]
        judged = [(f"q{n}", str(n), 1) for n in range(20)] + [("q0", "40", 2), ("q0", "41", 2), ("q1", "50", 0)]
        write_beir(folder / name, corpus, [*queries, {"_id": 99, "text": "asked by no one"}], judged, "train")
        (folder / name / "qrels" / "test.tsv").write_text("query-id\tcorpus-id\tscore\nq25\t25\t1\n", encoding="utf-8")
    return folder


def beir(folder: Path, names: tuple[str, ...] = ("fiqa", "scifact"), **options: Any) -> PreparedSource:
    return PreparedSource(BeirTrain(list(names), str(folder), **{"validation_questions": 4, **options}))


def beir_text(name: str, number: int) -> str:
    return f"T{number} {name} passage {number}" if number % 2 else f"{name} passage {number}"


def test_each_set_is_a_dataset_of_its_own(write_beir: WriteBeir, tmp_path: Path) -> None:
    source = beir(write_sets(write_beir, tmp_path / "sets"), positives=None, negatives=1)
    assert [data.name for data in source.training()] == ["beir_fiqa", "beir_scifact"]
    judged = [(n, n) for n in range(20)] + [(0, 40), (0, 41)]
    expected = {("en", f"{name} question {q}?", beir_text(name, p)) for name in ("fiqa", "scifact") for q, p in judged}
    assert set(all_pairs(source)) == expected
    for data in source.training():
        name = data.name.removeprefix("beir_")
        assert all(str(text).startswith(name) for text in data.queries["en"])
        for row, identifier in enumerate(map(str, data.question_ids)):
            negatives = [one.text for one in data.negatives["en"][row]]
            assert negatives == ([f"{name} passage 50"] if identifier.startswith("en-q1-") else [])
    validation = source.validation()
    of_set = {str(text).split()[0] for text in validation.queries["en"]}
    assert of_set == {"fiqa", "scifact"}
    assert len(set(validation.passage_groups.tolist())) == len({str(one) for one in validation.queries["en"]})
    summary: Any = source.summary()
    assert summary["train_split_of"] == ["beir_fiqa", "beir_scifact"]


def test_by_default_a_question_takes_its_first_passage_of_the_highest_grade(
    write_beir: WriteBeir, tmp_path: Path
) -> None:
    found = all_pairs(beir(write_sets(write_beir, tmp_path / "sets", ("fiqa",)), ("fiqa",)))
    assert [text for _, query, text in found if query == "fiqa question 0?"] == ["fiqa passage 40"]
    assert len(found) == 20


def test_a_folder_of_one_set_an_archive_and_packed_files_give_the_same(write_beir: WriteBeir, tmp_path: Path) -> None:
    folder = write_sets(write_beir, tmp_path / "sets", ("fiqa",))
    expected = all_pairs(beir(folder, ("fiqa",)))
    assert all_pairs(beir(folder / "fiqa", ("fiqa",))) == expected
    (tmp_path / "zips").mkdir()
    with zipfile.ZipFile(tmp_path / "zips" / "fiqa.zip", "w") as archive:
        for file in sorted((folder / "fiqa").rglob("*.*")):
            archive.write(file, file.relative_to(folder))
    assert beir(tmp_path / "zips", ("fiqa",)).missing() == []
    assert all_pairs(beir(tmp_path / "zips", ("fiqa",))) == expected
    for file in sorted((folder / "fiqa").rglob("*.*")):
        file.with_name(f"{file.name}.gz").write_bytes(gzip.compress(file.read_bytes()))
        file.unlink()
    assert all_pairs(beir(folder, ("fiqa",))) == expected


def test_judgments_as_rows_of_the_hub(write_beir: WriteBeir, tmp_path: Path) -> None:
    folder = write_sets(write_beir, tmp_path / "sets", ("fiqa",))
    expected = all_pairs(beir(folder, ("fiqa",)))
    file = folder / "fiqa" / "qrels" / "train.tsv"
    rows = [line.split("\t") for line in file.read_text().splitlines()[1:]]
    file.with_suffix(".jsonl").write_text(
        "".join(json.dumps({"query-id": q, "corpus-id": p, "score": float(s)}) + "\n" for q, p, s in rows)
    )
    file.unlink()
    assert all_pairs(beir(folder, ("fiqa",))) == expected


def test_rows_with_a_language(write_beir: WriteBeir, tmp_path: Path) -> None:
    """A judgment across languages is no monolingual pair: it is left out and counted."""
    corpus = [{"_id": f"{c}{n}", "text": f"{c} passage {n}", "language": c} for n in range(10) for c in ("de", "fr")]
    queries = [{"_id": f"q{c}{n}", "text": f"{c} question {n}", "language": c} for n in range(10) for c in ("de", "fr")]
    judged = [(f"q{c}{n}", f"{d}{n}", 1) for n in range(10) for c in ("de", "fr") for d in ("de", "fr")]
    write_beir(tmp_path / "own", corpus, queries, judged, "train")
    source = beir(tmp_path / "own", ("own",), positives=None)
    expected = sorted((c, f"{c} question {n}", f"{c} passage {n}") for n in range(10) for c in ("de", "fr"))
    assert all_pairs(source) == expected
    summary: Any = source.summary()
    assert {c: one["passages_in_another_language"] for c, one in summary["datasets"]["beir_own"].items()} == {
        "de": 10, "fr": 10,
    }  # fmt: skip
    (tmp_path / "own" / "queries.jsonl").write_text('{"_id": "qde1", "text": "?", "language": "dex"}\n')
    with pytest.raises(UserError, match=r"language in queries\.jsonl: 'dex' is not a language code"):
        beir(tmp_path / "own", ("own",)).training()


def test_a_language_of_the_whole_folder(write_beir: WriteBeir, tmp_path: Path) -> None:
    folder = write_sets(write_beir, tmp_path / "sets", ("fiqa",))
    assert {language for language, _, _ in all_pairs(beir(folder, ("fiqa",), language="deu"))} == {"de"}
    with pytest.raises(UserError, match=r"data\.language: 'german' is not a language code.*'de'"):
        BeirTrain(["fiqa"], str(folder), language="german")


def test_a_group_of_most_pairs_is_a_warning(
    write_beir: WriteBeir, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    corpus = [{"_id": str(n), "text": f"passage {n}"} for n in range(60)]
    queries = [{"_id": f"q{n}", "text": f"question {n}"} for n in range(60)]
    judged = [(f"q{n}", str(m), 1) for n in range(40) for m in (n, n + 1)] + [
        (f"q{n}", str(n), 1) for n in range(45, 60)
    ]
    write_beir(tmp_path / "own", corpus, queries, judged, "train")
    with caplog.at_level(logging.WARNING):
        beir(tmp_path / "own", ("own",), positives=None).training()
    assert "80 of 95 pairs are linked" in caplog.text
    assert "data.positives=1" in caplog.text
    caplog.clear()
    with caplog.at_level(logging.WARNING):
        assert len(all_pairs(beir(tmp_path / "own", ("own",)))) == 55
    assert "linked" not in caplog.text


@pytest.mark.parametrize(
    ("names", "message"),
    [
        (["nq"], r"nq-train\.zip"),
        (["quora"], "no train split on the hub"),
        (["fiqqa"], "'fiqqa' is no set of BEIR. Did you mean 'fiqa'"),
        ([], "name one or more sets"),
        (["fiqa", "fiqa"], "none of them twice"),
    ],
)
def test_names_of_sets_are_checked(names: list[str], message: str) -> None:
    with pytest.raises(UserError, match=message):
        BeirTrain(names)


def test_what_is_missing_of_a_set(write_beir: WriteBeir, tmp_path: Path) -> None:
    folder = write_sets(write_beir, tmp_path / "sets", ("fiqa", "mine"))
    text, other = BeirTrain(["scifact", "yours"], str(folder)).missing()
    assert "hf download mteb/scifact --repo-type dataset --revision d56462d0" in text
    assert "has neither a folder yours" in other
    (folder / "mine" / "qrels" / "train.tsv").unlink()
    (text,) = BeirTrain(["fiqa", "mine"], str(folder)).missing()
    assert text.endswith("lacks qrels/train.tsv, the judgments of mine. It has the splits test.")


@pytest.mark.parametrize(
    ("file", "change", "message"),
    [
        ("corpus.jsonl", lambda text: text.replace('"_id": "7"', '"id": "7"'), r"corpus\.jsonl, line 8: no '_id'"),
        ("corpus.jsonl", lambda text: text.replace('"_id": "8"', '"_id": "7"'), "'7' stands twice, with different"),
        ("corpus.jsonl", lambda text: text.replace('"_id": "7"', '"_id": "700"'), "name passages in en .* such as '7'"),
        ("queries.jsonl", lambda text: text.replace('"_id": "q7"', '"_id": "q700"'), "name questions in en .* 'q7'"),
        ("queries.jsonl", lambda text: text.replace('"fiqa question 7?"', '"  "'), "name questions in en .* 'q7'"),
        ("queries.jsonl", lambda text: text[:-20], "broken JSON"),
        ("qrels/train.tsv", lambda text: text.replace("q7\t7\t1", "q7\t7"), r"train\.tsv, line 9: expected"),
        ("qrels/train.tsv", lambda text: text.replace("q7\t7\t1", "q7\t7\tyes"), "line 9: the grade must be a whole"),
    ],
)  # fmt: skip
def test_malformed_sets(write_beir: WriteBeir, tmp_path: Path, file: str, change: Any, message: str) -> None:
    folder = write_sets(write_beir, tmp_path / "sets", ("fiqa",))
    path = folder / "fiqa" / file
    text = path.read_text(encoding="utf-8")
    assert change(text) != text
    path.write_text(change(text), encoding="utf-8")
    with pytest.raises(UserError, match=message):
        beir(folder, ("fiqa",)).training()


def test_everything_held_out_is_refused(write_beir: WriteBeir, tmp_path: Path) -> None:
    folder = write_sets(write_beir, tmp_path / "sets", ("fiqa",))
    with pytest.raises(
        UserError, match=r"data\.validation_questions=50: beir_fiqa has only 20 pairs in en, in 20 groups"
    ):
        beir(folder, ("fiqa",), validation_questions=50).training()
