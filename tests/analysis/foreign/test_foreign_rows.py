"""Which question a query asks, the setting that follows from languages, and averages as tables have them."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from hybridret.analysis.foreign.questions import asker, questions_of_file
from hybridret.analysis.foreign.rows import MACRO, averages, with_questions
from hybridret.analysis.foreign.trec_runs import name_and_seed
from hybridret.base.errors import UserError

VALUES = pd.DataFrame(
    {
        "query_id": ["1-en", "2-en", "3-en", "1-de"],
        "metric": "map",
        "cutoff": 0,
        "value": [0.0, 0.5, 1.0, 0.25],
    }
)


def test_by_the_id() -> None:
    asked = asker(pattern="^(.*)-(..)$")(VALUES["query_id"].tolist())
    assert asked["question"].tolist() == ["1", "2", "3", "1"]
    assert asked["query_language"].tolist() == ["en", "en", "en", "de"]
    one = asker(pattern=r"^(\d+)")(["1-en"])
    assert one.loc[0].tolist() == ["1-en", "1", "all", ""]


def test_every_query_its_own_question() -> None:
    assert asker()(["a", "b"])[["question", "query_language"]].to_numpy().tolist() == [["a", "all"], ["b", "all"]]


def test_by_a_file(tmp_path: Path) -> None:
    file = tmp_path / "map.tsv"
    file.write_text("1-en\tone\ten\n2-en\ttwo\ten\tde\n3-en\tthree\ten\tall\n1-de\tone\tde\tde\n4\tfour\n")
    asked = asker(file)(VALUES["query_id"].tolist())
    assert asked["question"].tolist() == ["one", "two", "three", "one"]
    rows = with_questions(VALUES, asked, "toy").set_index("query_id")
    assert rows["setting"].to_dict() == {
        "1-en": "monolingual",
        "2-en": "cross-lingual",
        "3-en": "multilingual",
        "1-de": "monolingual",
    }
    assert rows["corpus_language"].to_dict() == {"1-en": "en", "2-en": "de", "3-en": "all", "1-de": "de"}
    pooled = with_questions(VALUES, asked, "toy", "multilingual").set_index("query_id")
    assert pooled.loc["1-en", ["setting", "corpus_language"]].tolist() == ["multilingual", "all"]
    with pytest.raises(UserError, match=r"'1-en' has no language of its passages, which the cross-lingual setting"):
        with_questions(VALUES, asked, "toy", "cross-lingual")
    with pytest.raises(UserError, match=r"map\.tsv does not name the judged query '9' \(nor 1 others\)"):
        asker(file)(["9", "10", "4"])


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("1\tone\n2\n", r"map\.tsv, line 2: expected query_id TAB question"),
        ("1\tone\n\tx\n", r"map\.tsv, line 2: expected query_id TAB question"),
        ("1\ta\tb\tc\td\n", r"map\.tsv, line 1: expected"),
        ("1\tone\n1\ttwo\n", r"map\.tsv, line 2: the query '1' stands in an earlier line"),
        ("", r"map\.tsv holds no query"),
    ],
)
def test_a_bad_file(tmp_path: Path, text: str, message: str) -> None:
    file = tmp_path / "map.tsv"
    file.write_text(text)
    with pytest.raises(UserError, match=message):
        questions_of_file(file)


@pytest.mark.parametrize(
    ("pattern", "message"),
    [
        ("(", "is no regular expression"),
        ("x", "has 0 groups"),
        ("(.)(.)(.)(.)", "has 4 groups"),
        ("^(x)", "finds no question in the query id '1-en'"),
    ],
)
def test_a_bad_expression(pattern: str, message: str) -> None:
    with pytest.raises(UserError, match=message):
        asker(pattern=pattern)(["1-en"])


def test_a_file_and_an_expression() -> None:
    with pytest.raises(UserError, match="Give one of them"):
        asker(Path("map.tsv"), "(.*)")


def test_averages_are_over_queries_then_over_languages() -> None:
    rows = with_questions(VALUES, asker(pattern="^(.*)-(..)$")(VALUES["query_id"].tolist()), "toy")
    found = averages(rows).set_index("query_language")
    assert found["value"].to_dict() == {"en": 0.5, "de": 0.25, MACRO: 0.375}
    assert found["num_queries"].to_dict() == {"en": 3, "de": 1, MACRO: 4}


def test_the_seed_in_a_name() -> None:
    assert name_and_seed("hybrid-seed12-v2", r"-seed(\d+)") == ("hybrid-v2", "12")
    assert name_and_seed("s1", None) == ("s1", "0")
    for pattern, message in (("(", "no regular expression"), ("s", "needs one group"), ("x(.)", "finds no seed")):
        with pytest.raises(UserError, match=message):
            name_and_seed("s1", pattern)
