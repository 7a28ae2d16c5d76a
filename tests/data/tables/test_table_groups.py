"""What belongs together in tables of rows, and what is held out of the training: groups, ids, negatives."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import slow_tables as twins

from hybridret.data.prepared.source import PreparedSource
from hybridret.data.tables.json_rows import json_rows

Row = dict[str, Any]
COLUMNS = {"question": "q", "passage": "p", "language": "lang"}


def made(folder: Path, rows: list[Row], held_out: int = 3, **columns: Any) -> PreparedSource:
    twins.write_json(folder / "a.jsonl", rows)
    return PreparedSource(json_rows(str(folder), columns={**COLUMNS, **columns}, validation_questions=held_out))


def alone(count: int, **more: Any) -> list[Row]:
    return [{"lang": "en", "q": f"question {n}", "p": f"passage {n}", **more} for n in range(count)]


def test_every_pair_has_an_id_of_its_own(tmp_path: Path) -> None:
    """Also where a question has several passages in several languages of a file, and passages have no ids."""
    rows = [
        {"lang": one, "qid": f"{n}", "q": f"{one} {n}", "p": f"{one} {n} {m}"}
        for n in range(9)
        for m in range(2)
        for one in ("en", "de")
    ]
    source = made(tmp_path, rows, id="qid")
    names = [*source.training()[0].question_ids, *source.validation().question_ids]
    assert len(names) == len(set(names)) == 36


def test_passages_of_equal_text_are_one_group_whatever_their_ids(tmp_path: Path) -> None:
    rows = [{**one, "pid": f"{n}", "negatives": ["passage 7"]} for n, one in enumerate(alone(30))]
    rows[9] = {**rows[9], "p": "passage 7"}
    source = made(tmp_path, rows, passage_id="pid", negatives="negatives")
    pairs = [*twins.pairs_of(source.training()[0]), *twins.pairs_of(source.validation())]
    group = {pair.texts["en"][0]: pair.group for pair in pairs}
    assert group["question 7"] == group["question 9"]
    assert len(set(group.values())) == 29
    masked = {found for pair in pairs for _, found in pair.negatives["en"]}
    assert masked <= {group["question 7"]}


@pytest.mark.parametrize("linked", [0, 60])
def test_a_large_group_is_reported_and_not_held_out(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, linked: int
) -> None:
    rows = [*alone(40), *({"lang": "en", "q": f"linked {n}", "p": "None"} for n in range(linked))]
    source = made(tmp_path, rows)
    assert len(source.validation()) == 3
    summary = source.summary()
    assert summary is not None
    assert summary["largest_group"] == (linked or 1)
    assert ("60 of 100 pairs" in caplog.text) == bool(linked)


def test_passages_of_held_out_pairs_are_no_negatives(tmp_path: Path) -> None:
    """As in the other sources: what is validated on is in no training step."""
    rows = [{**one, "negatives": [f"passage {m}" for m in range(30)] + ["nowhere"]} for one in alone(30)]
    source = made(tmp_path, rows, negatives="negatives")
    held = {pair.texts["en"][1] for pair in twins.pairs_of(source.validation())}
    assert len(held) == 3
    for pair in twins.pairs_of(source.training()[0]):
        assert [text for text, _ in pair.negatives["en"]] == [
            one for one in (*(f"passage {m}" for m in range(30)), "nowhere") if one not in held
        ]
    assert all(len(pair.negatives["en"]) == 31 for pair in twins.pairs_of(source.validation()))
    summary = source.summary()
    assert summary is not None
    assert summary["dropped_negatives"] == 27 * 3


def test_negatives_of_repeated_rows_are_counted(tmp_path: Path) -> None:
    rows = [{**one, "negatives": ["x", "y"]} for one in (*alone(20), *alone(5))]
    summary = made(tmp_path, rows, negatives="negatives").summary()
    assert summary is not None
    assert (summary["repeated_rows"], summary["negatives_of_repeated_rows"]) == (5, 10)
