"""A user's own folder, in one language and in several; the published TyDiQA rows as a folder; bad input."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hybridret.base.errors import UserError
from hybridret.base.records import Collection
from hybridret.data.benchmarks.beir_folder import Folder
from hybridret.evaluation.judgments import Judgments

WriteBeir = Callable[..., Path]
# Three languages, out of order; en where none is said.
CORPUS = [
    {"_id": "z1", "text": "一", "language": "zh"},
    {"_id": "e1", "text": "one", "title": "T"},
    {"_id": "z2", "text": "二", "language": "zh"},
    {"_id": "d1", "text": "eins", "language": "de"},
    {"_id": "e2", "text": "two", "language": "en"},
]
QUERIES = [
    {"_id": "qe", "text": "one?"},
    {"_id": "qd", "text": "eins?", "language": "de", "question": "qe"},
    {"_id": "qe2", "text": "two?", "question": "two"},
    {"_id": "qf", "text": "un?", "language": "fr", "question": "qe"},
]
JUDGMENTS = [("qd", "e1", 1), ("qe", "e1", 1), ("qf", "z1", 1), ("qe", "z1", 2), ("qd", "d1", 1), ("qe2", "z2", 1)]


def judged(collection: Collection) -> set[tuple[str, str, int]]:
    rows = zip(collection.relevant_queries, collection.relevant_passages, collection.grades.tolist(), strict=True)
    return {(collection.query_ids[query], collection.passage_ids[passage], grade) for query, passage, grade in rows}


@pytest.mark.parametrize("packed", [False, True])
def test_one_language(tmp_path: Path, write_beir: WriteBeir, packed: bool) -> None:
    corpus = [{key: row[key] for key in row if key != "language"} for row in CORPUS]
    queries = [{"_id": "q1", "text": "a?"}, {"_id": "q2", "text": "b?"}, {"_id": "q3", "text": "b?"}]
    judgments = [("q2", "d1", 1), ("q1", "d1", 3)]
    folder = write_beir(tmp_path, corpus, queries, judgments, split="dev", packed=packed)
    (collection,) = Folder(str(folder), "own", "dev", "sw", drop_identical=True).collections(None)
    assert (collection.name, collection.languages, collection.drop_identical) == ("own_dev", ("sw",), True)
    assert collection.passages[:] == ["一", "T one", "二", "eins", "two"]
    assert collection.queries == ["a?", "b?"]
    assert judged(collection) == set(judgments)
    assert collection.notes == {"split": "dev", "queries without a judgment, left out": "1"}


def test_several_languages(tmp_path: Path, write_beir: WriteBeir) -> None:
    folder = write_beir(tmp_path, CORPUS, QUERIES, JUDGMENTS)
    (collection,) = Folder(str(folder)).collections(None)
    assert collection.name == "folder"
    assert collection.languages == ("de", "en", "fr", "zh")
    assert collection.passage_ids[:] == ["d1", "e1", "e2", "z1", "z2"]
    assert collection.passages[:] == ["eins", "T one", "two", "一", "二"]
    assert collection.passage_languages.tolist() == [0, 1, 1, 3, 3]
    assert collection.query_ids == ["qd", "qe", "qe2", "qf"]
    assert collection.query_languages.tolist() == [0, 1, 1, 2]
    assert collection.questions[0] == collection.questions[1] == collection.questions[3] != collection.questions[2]
    assert judged(collection) == set(JUDGMENTS)
    judgments = Judgments(collection)
    counts = [int(judgments.of_setting(setting).sum()) for setting in ("monolingual", "cross-lingual", "multilingual")]
    assert counts == [2, 4, 6]


def test_rows_may_stand_in_any_order(tmp_path: Path, write_beir: WriteBeir) -> None:
    """Against the same rows sorted by language before they are written."""

    def by_language(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
        return sorted(rows, key=lambda row: row.get("language", "en"))

    (mixed,) = Folder(str(write_beir(tmp_path / "a", CORPUS, QUERIES, JUDGMENTS))).collections(None)
    rows = (by_language(CORPUS), by_language(QUERIES), sorted(JUDGMENTS))
    (ordered,) = Folder(str(write_beir(tmp_path / "b", *rows))).collections(None)
    assert mixed.passage_ids[:] == ordered.passage_ids[:]
    assert mixed.passages[:] == ordered.passages[:]
    assert mixed.query_ids == ordered.query_ids
    assert np.array_equal(mixed.relevant_passages, ordered.relevant_passages)
    (other,) = Folder(str(tmp_path / "a"), language="sw").collections(None)
    assert other.fingerprint != mixed.fingerprint  # other passages stand in other places


def test_errors(tmp_path: Path, write_beir: WriteBeir) -> None:
    with pytest.raises(UserError, match=r"eval\.folder\.path: there is no folder"):
        Folder(str(tmp_path / "none")).collections(None)
    with pytest.raises(UserError, match=r"eval\.folder\.language: 'English' is not a language code"):
        Folder(str(tmp_path), language="English")

    def read(corpus: Any = CORPUS, queries: Any = QUERIES, judgments: Any = JUDGMENTS, **other: Any) -> Collection:
        (collection,) = Folder(str(write_beir(tmp_path / "a", corpus, queries, judgments)), **other).collections(None)
        return collection

    with pytest.raises(UserError, match=r"lacks qrels/dev\.tsv, .* It has the splits test"):
        read(split="dev")
    with pytest.raises(UserError, match=r"language in corpus\.jsonl: 'deutsch' is not a language code"):
        read([*CORPUS, {"_id": "x", "text": "y", "language": "deutsch"}])
    with pytest.raises(UserError, match=r"passages in de and in en have the same id 'd1'"):
        read([*CORPUS, {"_id": "d1", "text": "y"}])
    with pytest.raises(UserError, match=r"the passages in zh: id 'z1' stands twice"):
        read([*CORPUS, CORPUS[0]])
    with pytest.raises(UserError, match=r"queries in de and in en have the same id 'qd'"):
        read(queries=[*QUERIES, {"_id": "qd", "text": "y"}])
    with pytest.raises(UserError, match=r"passages that do not exist, such as 'x1'"):
        read(judgments=[("qd", "x1", 1), ("qd", "x2", 1), ("qd", "d1", 1)])
    with pytest.raises(UserError, match=r"7 of 13 judgments name queries that do not exist, such as 'n0'"):
        read(judgments=[*JUDGMENTS, *((f"n{number}", "d1", 1) for number in range(7))])
    notes = read(judgments=[*JUDGMENTS, ("n0", "d1", 1), ("n1", "d1", 1), JUDGMENTS[0]]).notes
    assert notes == {"split": "test", "judgments of unknown queries": "2", "judgments given twice": "1"}
    with pytest.raises(UserError, match=r"corpus\.jsonl, line 6: no 'text'"):
        read([*CORPUS, {"_id": "x"}])


@pytest.mark.parametrize("packed", [False, True])
def test_tydiqa(real_data: Path, tmp_path: Path, write_beir: WriteBeir, packed: bool) -> None:
    """Real questions and passages in three languages, the rows of all languages mixed."""
    rows = []
    for language in ("en", "ko", "sw"):
        file = real_data / "train" / f"tydiqa-goldp.{language}.jsonl.gz"
        rows += [json.loads(line) for line in gzip.decompress(file.read_bytes()).decode().splitlines()]
    rows = [rows[place] for place in np.random.default_rng(0).permutation(len(rows))]
    passages = {row["pid"]: row for row in rows}
    corpus = [{"_id": pid, "text": row["passage"], "language": row["lang"]} for pid, row in passages.items()]
    queries = [{"_id": f"{row['lang']}-{row['qid']}", "text": row["question"], "language": row["lang"]} for row in rows]
    judgments = [(query["_id"], row["pid"], 1) for query, row in zip(queries, rows, strict=True)]
    (collection,) = Folder(str(write_beir(tmp_path, corpus, queries, judgments, packed=packed))).collections(None)
    assert collection.languages == ("en", "ko", "sw")
    assert np.bincount(collection.query_languages).tolist() == [3696, 1625, 2755]
    assert len(collection.passage_ids) == len(passages)
    assert np.all(np.diff(collection.passage_languages) >= 0)
    assert np.array_equal(np.bincount(collection.relevant_queries), np.ones(len(rows)))
    assert len(collection.notes) == 1
    asked = {query["_id"]: row for query, row in zip(queries, rows, strict=True)}
    relevant = collection.passages.take(collection.relevant_passages)  # type: ignore[attr-defined]
    for query, passage in zip(collection.relevant_queries.tolist(), relevant, strict=True):
        row = asked[collection.query_ids[query]]
        assert collection.queries[query] == row["question"].strip()
        assert passage == row["passage"].strip()
    order = sorted(range(len(passages)), key=list(collection.passage_ids).__getitem__, reverse=True)
    assert np.array_equal(np.argsort(collection.tie_order), order)


@pytest.mark.parametrize(
    ("lines", "read_as"),
    [
        (["q1 0 d2 1", "q2 0 d1 1"], "TREC's four columns"),
        (["q1\td2\t1", "q2\td1\t1"], "three columns without a header"),
        (
            ["corpus-id\tquery-id\tscore", "d2\tq1\t1", "d1\tq2\t1"],
            "columns by their names (corpus-id, query-id, score)",
        ),
    ],
)
def test_judgments_in_other_layouts(tmp_path: Path, write_beir: WriteBeir, lines: list[str], read_as: str) -> None:
    corpus = [{"_id": "d1", "text": "one"}, {"_id": "d2", "text": "two"}]
    queries = [{"_id": "q1", "text": "two?"}, {"_id": "q2", "text": "one?"}]
    folder = write_beir(tmp_path, corpus, queries, [("q1", "d2", 1)])
    (folder / "qrels" / "test.tsv").write_text("\n".join(lines) + "\n")
    (collection,) = Folder(str(folder)).collections(None)
    assert judged(collection) == {("q1", "d2", 1), ("q2", "d1", 1)}
    assert collection.notes == {"split": "test", "judgments read as": read_as}


def test_every_form_of_a_code_is_one_language(tmp_path: Path, write_beir: WriteBeir) -> None:
    forms = ["zh-Hans", "zh-hans", "zho-Hans", "ZH_HANS", "en", "EN", "eng", "eng-Latn"]
    corpus = [{"_id": f"d{row}", "text": f"text {row}", "language": form} for row, form in enumerate(forms)]
    queries = [{"_id": f"q{row}", "text": f"text {row}?", "language": form} for row, form in enumerate(forms)]
    judgments = [(f"q{row}", f"d{row}", 1) for row in range(len(forms))]
    (collection,) = Folder(str(write_beir(tmp_path, corpus, queries, judgments))).collections(None)
    assert collection.languages == ("en", "zh-hans")
    assert collection.passage_languages.tolist() == [0] * 4 + [1] * 4
    assert judged(collection) == set(judgments)
    corpus = [{"_id": row["_id"], "text": row["text"]} for row in corpus]
    queries = [{"_id": row["_id"], "text": row["text"]} for row in queries]
    (collection,) = Folder(str(write_beir(tmp_path, corpus, queries, judgments)), language="DEU").collections(None)
    assert collection.languages == ("de",)


def test_unknown_fields_are_named_once(tmp_path: Path, write_beir: WriteBeir, caplog: pytest.LogCaptureFixture) -> None:
    corpus = [{"_id": "d1", "text": "one", "lang": "de", "metadata": {}}, {"_id": "d2", "title": "two", "lang": "de"}]
    queries = [{"_id": "q1", "text": "two?", "colour": "red"}]
    folder = write_beir(tmp_path, corpus, queries, [("q1", "d2", 1)])
    for _ in range(2):  # the table of the second comes from the cache
        (collection,) = Folder(str(folder)).collections(None)
        assert collection.languages == ("en",)
        assert collection.passages[:] == ["one", "two"]
        assert collection.notes["fields not read"] == "'lang' (did you mean 'language'?), 'colour'"
        assert caplog.messages == [f"{folder}: fields that are not read: {collection.notes['fields not read']}."]
        caplog.clear()
