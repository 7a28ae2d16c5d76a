"""Each phase of a preparation knows how much there is to do: that is what the time left is made of."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from hybridret.base import progress as progress_module
from hybridret.base.progress import counted, tracked
from hybridret.data import json_records, lines
from hybridret.data.jsonl import JsonlPairs
from hybridret.data.nq import NaturalQuestions
from hybridret.data.prepared.source import PreparedSource
from hybridret.data.squad_family import SquadFamily
from hybridret.data.tables.json_rows import json_rows


@pytest.fixture(autouse=True)
def _cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HYBRIDRET_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(lines, "TOGETHER", 256)
    monkeypatch.setattr(json_records, "TOGETHER", 4)
    monkeypatch.setattr(json_records, "BLOCK", 256)
    monkeypatch.setattr(progress_module, "EVERY", 16)


def write_rows(folder: Path) -> None:
    """Half of the rows in a packed file."""
    for code, packed in (("en", True), ("de", False)):
        rows = [
            {"qid": str(n), "lang": code, "question": f"{code} {n}?", "passage": f"{code} is {n // 2}",
             "pid": f"p{n // 2}", "title": f"t{n // 4}"}
            for n in range(80)
        ]  # fmt: skip
        raw = "".join(json.dumps(row) + "\n" for row in rows).encode()
        (folder / f"qa.{code}.jsonl{'.gz' if packed else ''}").write_bytes(gzip.compress(raw) if packed else raw)


def write_squad(folder: Path) -> None:
    for code in ("en", "de"):
        data = [
            {"title": f"{n}", "paragraphs": [{"context": f"{code} {n} is blue", "qas": [
                {"id": f"id{n}", "question": f"{code} which {n}?", "answers": [{"text": str(n), "answer_start": 3}]}]}]}
            for n in range(20)
        ]  # fmt: skip
        (folder / f"squad.{code}.json").write_text(json.dumps({"version": "1.1", "data": data}), encoding="utf-8")


def write_nq(folder: Path) -> None:
    records = [
        {"question": f"who is {n}", "positive_ctxs": [{"title": f"P{n}", "text": f"{n} is it", "passage_id": str(n)}]}
        for n in range(60)
    ]
    (folder / "biencoder-nq-train.json").write_text(json.dumps(records, indent=4), encoding="utf-8")


COLUMNS = {"question": "question", "passage": "passage", "language": "lang", "id": "qid", "passage_id": "pid"}
SOURCES: dict[str, tuple[Callable[[Path], None], Callable[[str], Any], list[str]]] = {
    "jsonl": (write_rows, JsonlPairs, ["read qa.en.jsonl.gz", "read qa.de.jsonl", "split jsonl by article"]),
    "squad": (write_squad, SquadFamily, ["read the files of squad", "split squad by article"]),
    "nq": (write_nq, NaturalQuestions, ["read biencoder-nq-train.json"]),
    "rows": (
        write_rows,
        lambda path: json_rows(path, columns=COLUMNS, validation_questions=4),
        ["number the rows of json_rows", "join the pairs of json_rows", "write the texts of json_rows"],
    ),
}


@pytest.mark.parametrize("name", SOURCES)
def test_every_phase_of_a_preparation_knows_the_time_left(name: str, tmp_path: Path, seen: Any) -> None:
    (folder := tmp_path / "data").mkdir()
    write, make, expected = SOURCES[name]
    write(folder)
    source = make(str(folder))
    PreparedSource(source, seen).training()
    seen.check(f"prepare {source.name}")
    card = f"count what {source.name} holds, for its data card"
    assert {*expected, card, "count the questions of training-0"} <= seen.total.keys()
    several = {one for one in expected if not one.startswith(("read qa.en", "number the rows"))}  # one block each
    assert all(seen.steps[one] > 1 for one in several)


def test_items_are_counted_some_at_a_time_and_to_the_last() -> None:
    found: list[int] = []
    assert list(counted(range(40), found.append)) == list(range(40))
    assert found == [16, 16, 8]
    found.clear()
    assert list(counted([], found.append)) == []
    assert sum(found) == 0


def test_a_tracked_item_counts_when_it_is_done(seen: Any) -> None:
    for number, one in enumerate(tracked("abc", "letters", seen)):
        assert (one, seen.done["letters"]) == ("abc"[number], number)
    assert seen.done == {"letters": 3} == seen.total
