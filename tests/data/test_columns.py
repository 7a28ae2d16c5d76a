"""Columns that read from disk answer like the list of their texts."""

from __future__ import annotations

import json
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hybridret.base.ids import descending_order, first_repeated
from hybridret.data import columns
from hybridret.data.arrow_table import read_table
from hybridret.data.columns import Column

ROWS = [
    {"_id": f" {n * 37 % 101} ", "title": ["", " T ", "Title"][n % 3], "text": f" text\u2028{n} "} for n in range(101)
]
ROWS[5] |= {"title": " ", "text": "\n"}
TEXTS = [" ".join(filter(None, (row["title"].strip(), row["text"].strip()))) for row in ROWS]
IDS = [row["_id"] for row in ROWS]


@pytest.fixture
def table(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    file = tmp_path / "rows.jsonl"
    file.write_text("".join(json.dumps(row) + "\n" for row in ROWS), encoding="utf-8")
    monkeypatch.setattr(columns, "BATCH", 8)
    return read_table([file], {"_id": True, "title": False, "text": True}, "rows")


def assert_like(column: Column, texts: list[str]) -> None:
    count = len(texts)
    assert len(column) == count
    assert list(column) == texts
    assert [column[place] for place in (0, 5, -1, -count)] == [texts[place] for place in (0, 5, -1, -count)]
    for cut in (
        slice(None),
        slice(3, 50),
        slice(99, 150),
        slice(7, 7),
        slice(9, 2),
        slice(None, None, 13),
        slice(50, 3, -7),
    ):
        assert column[cut] == texts[cut]
    places = np.array([count - 1, 0, 5, 5, 60, 1])
    assert column.take(places) == [texts[place] for place in places]
    assert column.take(np.array([], dtype=np.int64)) == []
    for outside in (count, -count - 1):
        with pytest.raises(IndexError):
            column[outside]
    with pytest.raises(IndexError):
        column.take(np.array([0, count]))
    with pytest.raises(IndexError):
        column.take(np.array([-1]))


def test_a_column_is_like_its_list(table: Any) -> None:
    assert_like(Column(table), TEXTS)
    assert_like(Column(table, ("_id",), strip=False), IDS)
    assert_like(Column(table.select(range(100, -1, -1))), TEXTS[::-1])
    with pytest.raises(ValueError, match="single field"):
        Column(table, strip=False)


def test_parts_are_chained(table: Any) -> None:
    ids = Column(table, ("_id",), strip=False)
    chained = Column.of_parts([ids, [], ["x", ""], ids], ["", "n:", "de:", "en:"])
    assert_like(chained, [*IDS, "de:x", "de:", *(f"en:{text}" for text in IDS)])
    assert_like(Column.of_parts([chained, ids], ["a:", ""]), [f"a:{text}" for text in chained] + IDS)
    assert len(Column.of_parts([])) == 0


def test_pickled_without_its_texts(table: Any) -> None:
    packed = pickle.dumps(Column(table))
    assert b"Title" not in packed
    assert_like(pickle.loads(packed), TEXTS)


def test_blank_texts_are_counted(table: Any) -> None:
    assert Column(table).count_blank() == sum(not text for text in TEXTS) == 1
    assert Column.of_parts([Column(table), ["", "a"], Column(table.select([5, 5, 0]))]).count_blank() == 4


def test_reads_only_what_is_asked_for(table: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[int] = []
    texts = columns._Piece.texts

    def counted(self: Any, rows: Any) -> list[str]:
        found = texts(self, rows)
        read.append(len(found))
        return found

    monkeypatch.setattr(columns._Piece, "texts", counted)
    column = Column.of_parts([Column(table), Column(table)])
    assert column[100:103] == [TEXTS[100], TEXTS[0], TEXTS[1]]
    assert column[::100] == [TEXTS[0], TEXTS[100], TEXTS[99]]
    assert read == [1, 2, 2, 1]


def test_ids_on_disk_are_ordered_and_compared(table: Any) -> None:
    ids = Column(table, ("_id",), strip=False)
    assert np.array_equal(descending_order(ids), descending_order(IDS))
    assert first_repeated(ids) is None
    assert first_repeated(Column.of_parts([ids, ["new", IDS[9]]])) == (9, 102)
