"""Small inputs that users had: each is read, measured and told of as it should be (BM25, in this process)."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from hybridret.base.progress import Quiet
from hybridret.base.settings import EvaluationSettings
from hybridret.data.benchmarks.beir_folder import Folder
from hybridret.data.jsonl import JsonlPairs
from hybridret.pipelines.scoring import Scores, score
from hybridret.retrieval.bm25 import Bm25

pytest.importorskip("bm25s")

FRUIT = {"d1": "An apple is a fruit that grows on trees.", "d2": "Bananas are yellow fruit.", "d3": "A car has wheels."}
ASKED = {"q1": "which fruit grows on trees", "q2": "yellow bananas"}
HEADER = "query-id\tcorpus-id\tscore\n"
ODD = ["007", "7", "a b", '"x"', "NaN", "null", "1e5", "d,8", "dé", "#10"]
Row = dict[str, Any]


def rows(texts: Mapping[str, str], **more: str) -> list[Row]:
    return [{"_id": name, "text": text, **more} for name, text in texts.items()]


def things(count: int) -> tuple[list[Row], list[Row]]:
    """Passages d0, d1, ... and the queries q0, q1, ... that they answer."""
    passages = {f"d{n}": f"word{n} alpha beta sentence about thing{n}" for n in range(count)}
    return rows(passages), rows({f"q{n}": f"thing{n} word{n}" for n in range(count)})


def spoken(table: list[Row], *languages: str) -> list[Row]:
    return [{**row, "language": languages[place % len(languages)]} for place, row in enumerate(table)]


@dataclass(frozen=True)
class Case:
    """A folder, and what is expected: macro values (without `folder/`), notes, languages, what is not there."""

    corpus: list[Row]
    queries: list[Row]
    qrels: str
    values: dict[str, float]
    notes: dict[str, str] = field(default_factory=dict)
    languages: tuple[str, ...] = ("en",)
    options: dict[str, Any] = field(default_factory=dict)
    said: str = ""


PASSAGES, QUERIES = things(5)
CASES: dict[str, Callable[[], Case]] = {
    "lang": lambda: Case(
        spoken(things(6)[0], "zh-Hans", "en"),
        spoken(things(6)[1], "zh-hans", "EN"),
        HEADER + "".join(f"q{n}\td{n}\t1\n" for n in range(6)),
        {"monolingual/map": 1.0, "multilingual/map": 1.0},
        languages=("en", "zh-hans"),
    ),
    "ids": lambda: Case(
        [{**row, "_id": name} for row, name in zip(things(10)[0], ODD, strict=True)],
        things(10)[1],
        HEADER + "".join(f"q{place}\t{name}\t1\n" for place, name in enumerate(ODD)),
        {"monolingual/map": 1.0, "monolingual/recall@10": 1.0},
        {"trec": "not written: the passage id 'a b' has white space, which TREC's format cannot hold"},
        said="",
    ),
    "trecq": lambda: Case(
        PASSAGES,
        QUERIES,
        "".join(f"q{n} 0 d{n} 1\n" for n in range(5)),
        {"monolingual/map": 1.0},
        {"judgments read as": "TREC's four columns"},
    ),
    "nohead": lambda: Case(
        PASSAGES,
        QUERIES,
        "".join(f"q{n}\td{n}\t1\n" for n in range(5)),
        {"monolingual/map": 1.0},
        {"judgments read as": "three columns without a header"},
    ),
    "header_order": lambda: Case(
        rows(FRUIT),
        rows(ASKED),
        "corpus-id\tquery-id\tscore\nd1\tq1\t1\nd2\tq2\t1\n",
        {"monolingual/map": 1.0},
        {"judgments read as": "columns by their names (corpus-id, query-id, score)"},
    ),
    "grades": lambda: Case(
        PASSAGES,
        QUERIES,
        HEADER + "q0\td0\t1\nq1\td1\t2\nq2\td2\t0\nq3\td3\t-1\nq4\td4\t2\nq4\td3\t1.0\n",
        {"monolingual/mrr@10": 3 / 5, "monolingual/success@10": 3 / 5},  # q2 and q3 have nothing relevant
        {"queries without a relevant passage in the corpus, scored 0": "2"},
    ),
    "missing_relevant": lambda: Case(
        rows(FRUIT),
        rows(ASKED),
        HEADER + "q1\td1\t1\nq2\td2\t1\nq1\td98\t1\nq1\td99\t1\n",
        {"monolingual/map": 2 / 3, "monolingual/recall@10": 2 / 3},
        {"relevant passages not in the corpus, never found": "2"},
    ),
    "missing_all_relevant": lambda: Case(
        rows(FRUIT),
        rows({**ASKED, "q3": "x car"}),
        HEADER + "q1\td1\t1\nq2\td2\t1\nq3\td98\t1\n",
        {"monolingual/map": 2 / 3, "monolingual/ndcg@10": 2 / 3},
        {"queries without a relevant passage in the corpus, scored 0": "1"},
    ),
    "drop_identical": lambda: Case(
        [{**row, "_id": {"d1": "q1"}.get(row["_id"], row["_id"])} for row in rows(FRUIT)],
        rows(ASKED),
        HEADER + "q1\tq1\t1\nq2\td2\t1\n",
        {"monolingual/map": 1 / 2, "monolingual/mrr@10": 1 / 2},
        options={"drop_identical": True},
    ),
    "unknown_field": lambda: Case(
        rows(FRUIT, lang="de"),
        rows(ASKED),
        HEADER + "q1\td1\t1\nq2\td2\t1\n",
        {"monolingual/map": 1.0},
        {"fields not read": "'lang' (did you mean 'language'?)"},
        said="fields that are not read: 'lang' (did you mean 'language'?)",
    ),
    "spaces at the end of ids": lambda: Case(
        [{**row, "_id": f"{row['_id']} "} for row in rows(FRUIT)],
        [{**row, "_id": f"{row['_id']} "} for row in rows({**ASKED, "q3": " "})],
        HEADER + "q1 \td1 \t1\nq2 \td2 \t1\nq3 \td3 \t1\n",
        {"monolingual/map": 2 / 3},
        {"empty queries": "1"},
    ),
}


def measured(folder: Path, case: Case, settings: EvaluationSettings) -> Scores:
    (folder / "qrels").mkdir(parents=True)
    for name, table in (("corpus", case.corpus), ("queries", case.queries)):
        (folder / f"{name}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in table))
    (folder / "qrels" / "test.tsv").write_text(case.qrels, encoding="utf-8")
    collections = Folder(str(folder), **case.options).collections(None)
    assert collections[0].languages == case.languages
    return score(Bm25(), collections, settings, Quiet(), folder / "trec")


@pytest.mark.parametrize("name", CASES)
def test_a_small_input(
    tmp_path: Path, settings: EvaluationSettings, name: str, caplog: pytest.LogCaptureFixture
) -> None:
    case = CASES[name]()
    with caplog.at_level(logging.WARNING):
        scores = measured(tmp_path, case, settings)
    macro = {key.removeprefix("folder/"): value for key, value in scores.evaluation.macro().items()}
    assert {key: macro[key] for key in case.values} == pytest.approx(case.values, abs=1e-12)
    notes = scores.notes["folder"]
    assert {key: notes.get(key) for key in case.notes} == case.notes
    assert caplog.text.count(case.said) == 1 or not case.said
    if len(case.languages) == 1:  # no bias, and no pool of all languages that repeats the row
        assert not [key for key in macro if key.startswith("multilingual") or "rank_distance" in key]
    if case.said == "":
        assert "fields not read" not in notes


def test_numbers_in_training_rows(tmp_path: Path) -> None:
    """`intid`: qid and pid are numbers."""
    table = [
        {"qid": n, "lang": one, "question": f"{one} {n}?", "passage": f"{one} text {n}", "pid": n, "title": f"a{n}"}
        for n in range(30)
        for one in ("en", "de")
    ]
    (tmp_path / "x.jsonl").write_text("".join(json.dumps(row) + "\n" for row in table))
    source = JsonlPairs(str(tmp_path))
    (test,) = source.test()
    assert source.summary()["numbers_read_as_text"] == 120
    assert test.notes["numbers read as text"] == "120"
    assert set(map(type, test.query_ids)) == {str}
