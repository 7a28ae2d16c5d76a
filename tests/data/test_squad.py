"""The SQuAD shape and the collections of sentences made from it."""

from __future__ import annotations

import copy
import gzip
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hybridret.base.errors import UserError
from hybridret.data.squad import Paragraph, Question, read_squad, sentence_collection

FILE: dict[str, Any] = {
    "data": [
        {
            "title": "T",
            "paragraphs": [
                {
                    "context": "One. Two.",
                    "sentence_breaks": [[0, 4], [5, 9]],
                    "qas": [{"id": "a", "question": "Q?", "answers": [{"answer_start": 5, "text": "Two"}]}],
                }
            ],
        }
    ]
}


def test_reads_plain_and_packed(tmp_path: Path) -> None:
    plain, packed = tmp_path / "a.json", tmp_path / "b.json.gz"
    plain.write_text(json.dumps(FILE), encoding="utf-8")
    packed.write_bytes(gzip.compress(json.dumps(FILE).encode()))
    expected = [Paragraph("T", "One. Two.", [(0, 4), (5, 9)], (Question("a", "Q?", 5),))]
    assert read_squad(plain) == read_squad(packed) == expected


def broken(path: list[Any], value: Any) -> dict[str, Any]:
    changed = copy.deepcopy(FILE)
    node: Any = changed
    for key in path[:-1]:
        node = node[key]
    if value is None:
        del node[path[-1]]
    else:
        node[path[-1]] = value
    return changed


PARAGRAPH = ["data", 0, "paragraphs", 0]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ({}, "no 'data'"),
        ([], "no 'data'"),
        (broken(["data"], {}), "data must be a list"),
        (broken([*PARAGRAPH, "context"], None), r"data\[0\]\.paragraphs\[0\]: no 'context'"),
        (broken([*PARAGRAPH, "context"], " "), r"context must be a text that is not empty"),
        (broken([*PARAGRAPH, "sentence_breaks"], [[0]]), r"sentence_breaks\[0\] has no element 1"),
        (broken([*PARAGRAPH, "sentence_breaks"], [[0, 99]]), "lies outside the context"),
        (broken([*PARAGRAPH, "qas", 0, "answers"], []), r"qas\[0\]\.answers has no element 0"),
        (broken([*PARAGRAPH, "qas", 0, "answers", 0, "answer_start"], "5"), "answer_start must be a whole number"),
        (broken([*PARAGRAPH, "qas", 0, "id"], 1), "id must be a text"),
    ],
)
def test_a_malformed_file_names_the_place(tmp_path: Path, content: Any, said: str) -> None:
    file = tmp_path / "bad.json"
    file.write_text(json.dumps(content), encoding="utf-8")
    with pytest.raises(UserError, match=said) as error:
        read_squad(file)
    assert str(file) in str(error.value)


def test_unreadable_files(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text('{\n"data": [', encoding="utf-8")
    with pytest.raises(UserError, match=r"a\.json, line 2: not valid JSON"):
        read_squad(tmp_path / "a.json")
    (tmp_path / "b.json.gz").write_bytes(gzip.compress(json.dumps(FILE).encode())[:-9])
    with pytest.raises(UserError, match=r"Cannot read .*b\.json\.gz"):
        read_squad(tmp_path / "b.json.gz")
    (tmp_path / "c.json").write_bytes(b'"\xff"')
    with pytest.raises(UserError, match=r"Cannot read .*c\.json"):
        read_squad(tmp_path / "c.json")


def words(paragraph: Paragraph, language: str) -> list[tuple[int, int]]:
    assert paragraph.breaks is not None
    return paragraph.breaks


def test_relevant_sentences_by_hand() -> None:
    """Equal sentences of the same paragraph are all relevant, those of another paragraph are not."""
    english = [
        Paragraph("", "Yes.\nNo. Yes.", [(0, 4), (5, 8), (9, 13)], (Question("a", "A?", 9), Question("b", "B?", 6))),
        Paragraph("", "Yes.", [(0, 4)], ()),
    ]
    german = [Paragraph("", "Ja. Nein.", [(0, 3), (4, 9)], (Question("a", "A de?", 0),))]
    collection = sentence_collection("hand", {"en": english, "de": german}, words, {"splitter": "none"})
    assert collection.languages == ("en", "de")
    assert collection.passages == ["Yes.", "No.", "Yes.", "Yes.", "Ja.", "Nein."]
    assert collection.contexts == ["Yes. No. Yes."] * 3 + ["Yes."] + ["Ja. Nein."] * 2
    assert collection.query_ids == ("en:a", "en:b", "de:a")
    assert collection.questions.tolist() == [0, 1, 0]
    pairs = list(zip(collection.relevant_queries.tolist(), collection.relevant_passages.tolist(), strict=True))
    assert pairs == [(0, 0), (0, 2), (0, 4), (1, 1), (2, 0), (2, 2), (2, 4)]
    assert collection.passage_languages.tolist() == [0, 0, 0, 0, 1, 1]
    assert collection.grades.dtype == np.int64
    assert collection.notes == {"splitter": "none"}


def test_breaks_are_half_open() -> None:
    paragraph = Paragraph("", "OneTwo", [(0, 3), (3, 6)], (Question("a", "A?", 3),))
    collection = sentence_collection("hand", {"en": [paragraph]}, words, {})
    assert collection.relevant_passages.tolist() == [1]


def test_bad_answers_and_ids() -> None:
    outside = Paragraph("", "One. Two.", [(0, 4), (5, 9)], (Question("a", "A?", 4),))
    with pytest.raises(UserError, match=r"language en, question 'a': the answer starts at character 4"):
        sentence_collection("hand", {"en": [outside]}, words, {})
    twice = Paragraph("", "One.", [(0, 4)], (Question("a", "A?", 0), Question("a", "B?", 0)))
    with pytest.raises(UserError, match="the id occurs twice"):
        sentence_collection("hand", {"en": [twice]}, words, {})
