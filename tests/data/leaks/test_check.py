"""Planted copies are found, and nothing else is."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hybridret.base.errors import UserError
from hybridret.base.ranges import check_section
from hybridret.base.records import Negative
from hybridret.base.settings import LeakSettings
from hybridret.data.leaks.table import LeakTable
from hybridret.data.prepared.stored_pairs import complete_pairs, read_pairs, write_pairs

Make = Callable[..., Any]
QUESTIONS = {
    "en": ["Who built the old bridge?", "Where does the longest river end?", "What is the paper made of?"],
    "de": ["Wer baute die alte Brücke?", "Wo endet der längste Fluss?", "Woraus ist das Papier gemacht?"],
}
OTHERS = {"en": ["How many windows are there?", "When does winter begin in the north?"]}
SQUAD = ["56be4db0acb8001400a502ec", "56be4db0acb8001400a502ed", "56be4db0acb8001400a502ee"]


def counts(table: LeakTable) -> dict[tuple[str, str, str, str], tuple[int, int, int]]:
    return {
        (row.dataset, row.benchmark, row.side, row.language): (row.exact, row.near, row.through_ids)
        for row in table.rows
    }


@pytest.fixture
def bench(make_collection: Make, passage: Callable[[int], str]) -> Any:
    """Three questions in English and German with a passage each."""
    return make_collection(
        "bench", QUESTIONS, {"en": [passage(i) for i in range(3)], "de": [passage(i) for i in (10, 11, 12)]}
    )


def test_disjoint_sets(look: Make, make_pairs: Make, bench: Any, passage: Callable[[int], str]) -> None:
    pairs = make_pairs("train", OTHERS, {"en": [passage(20), passage(21)]})
    table = look([pairs], [bench])
    assert table.rows == ()
    assert table.largest is None
    assert table.warning() is None
    table.check(0.0)
    assert table.compared == {"bench": {"questions": 6, "passages": 6}}
    assert table.trained == {"questions": 2, "passages": 2}


def test_exact_copies_and_their_translations(
    look: Make, make_pairs: Make, bench: Any, passage: Callable[[int], str]
) -> None:
    """Case, punctuation and white space do not hide a copy; the language of the training text does not either."""
    pairs = make_pairs(
        "train",
        {"en": [OTHERS["en"][0], "where  does the LONGEST river end"]},
        {"en": [passage(20), passage(1).upper()]},
    )
    expected = {
        ("train", "bench", "questions", "en"): (1, 0, 0),
        ("train", "bench", "questions", "de"): (0, 0, 1),
        ("train", "bench", "passages", "en"): (1, 0, 0),
        ("train", "bench", "passages", "de"): (0, 0, 1),
    }
    assert counts(look([pairs], [bench])) == expected
    wrong = make_pairs("train", {"fr": pairs.queries["en"]}, {"fr": pairs.passages["en"]})
    assert counts(look([wrong], [bench])) == expected
    (example, *_) = look([pairs], [bench]).rows[0].examples
    assert (example.kind, example.benchmark, example.training, example.similarity) == (
        "exact", QUESTIONS["en"][1], "where  does the LONGEST river end", 1.0,
    )  # fmt: skip
    assert example.training_language == "en"


def test_an_edited_passage(look: Make, make_pairs: Make, bench: Any, passage: Callable[[int], str]) -> None:
    """One word of sixty is another one: found as almost equal, with its Jaccard index; not where only equal ones are
    looked for, and not in a source of templates."""
    edited = passage(11).split()
    edited[30] = "something"
    pairs = make_pairs("train", {"de": [OTHERS["en"][0]]}, {"de": [" ".join(edited)]})
    table = look([pairs], [bench])
    assert counts(table) == {
        ("train", "bench", "passages", "en"): (0, 0, 1),
        ("train", "bench", "passages", "de"): (0, 1, 0),
    }
    (row,) = [one for one in table.rows if one.near]
    assert 0.9 < (row.examples[0].similarity or 0) < 1
    assert table.near == {"questions": True, "passages": True}
    for options in ({"near_up_to": 3}, {"templated": True}, {"threshold": 0.999}):
        assert look([pairs], [bench], **options).rows == (), options
    assert look([pairs], [bench], near_up_to=3).near == {"questions": False, "passages": False}
    assert counts(look([pairs], [bench], near_up_to=1 + 6)) == counts(table)


def test_the_example_is_the_text_that_was_found(
    look: Make, make_pairs: Make, bench: Any, passage: Callable[[int], str]
) -> None:
    """Also where equal texts and blank ones stand before it."""
    edited = passage(11).rsplit(" ", 1)[0]
    texts = [passage(0), "?", passage(40), edited, passage(41)]
    pairs = make_pairs("train", {"de": [f"question {i}" for i in range(5)]}, {"de": texts})
    (example,) = [one for row in look([pairs], [bench]).rows for one in row.examples if one.kind == "near"]
    assert example.benchmark == passage(11)[:160]
    assert example.training == edited[:160]


def test_an_equal_text_is_not_counted_as_almost_equal_too(
    look: Make, make_pairs: Make, bench: Any, passage: Callable[[int], str]
) -> None:
    """Whichever of the two comes first in the training data."""
    near = passage(0).rsplit(" ", 1)[0]
    for texts in ([near, passage(0)], [passage(0), near]):
        pairs = make_pairs("train", {"en": OTHERS["en"]}, {"en": texts})
        assert counts(look([pairs], [bench]))["train", "bench", "passages", "en"] == (1, 0, 0)


def test_a_translation_through_published_ids(
    look: Make, make_pairs: Make, make_collection: Make, passage: Callable[[int], str]
) -> None:
    """Danish text under the id of a question of the benchmark, which has no Danish."""
    bench = make_collection(
        "bench", QUESTIONS, {"en": [passage(i) for i in range(3)], "de": [passage(i) for i in (10, 11, 12)]}, ids=SQUAD
    )
    pairs = make_pairs("train", {"da": ["Hvor ender den længste flod?"]}, {"da": [passage(30)]}, ids=[SQUAD[1]])
    assert counts(look([pairs], [bench])) == {
        ("train", "bench", side, language): (0, 0, 1) for side in ("questions", "passages") for language in ("en", "de")
    }
    assert look([make_pairs("train", pairs.queries, pairs.passages, ids=["b1"])], [bench]).rows == ()


def test_numbers_are_no_published_ids(
    look: Make, make_pairs: Make, make_collection: Make, passage: Callable[[int], str]
) -> None:
    numbers = ["1", "q-000000000000000017", "3"]
    bench = make_collection(
        "bench",
        QUESTIONS,
        {"en": [passage(i) for i in range(3)], "de": [passage(i) for i in (10, 11, 12)]},
        ids=numbers,
    )
    pairs = make_pairs("train", OTHERS, {"en": [passage(20), passage(21)]}, ids=numbers[:2])
    assert look([pairs], [bench]).rows == ()


def test_distractors_do_not_count(
    look: Make, make_pairs: Make, make_collection: Make, passage: Callable[[int], str]
) -> None:
    bench = make_collection("bench", {"en": QUESTIONS["en"][:1]}, {"en": [passage(0)]}, extra=[passage(1)])
    pairs = make_pairs("train", OTHERS, {"en": [passage(1), passage(2)]})
    table = look([pairs], [bench])
    assert table.rows == ()
    assert table.compared == {"bench": {"questions": 1, "passages": 1}}


def test_the_paragraph_of_a_sentence(
    look: Make, make_pairs: Make, make_collection: Make, passage: Callable[[int], str]
) -> None:
    """Whoever trained on the paragraph has seen the sentence."""
    sentences = [" ".join(passage(i).split()[:6]) for i in range(3)]
    bench = make_collection(
        "bench", {"en": QUESTIONS["en"]}, {"en": sentences}, contexts=[passage(i) for i in range(3)]
    )
    edited = passage(2).replace(" ", " new ", 1)
    pairs = make_pairs("train", OTHERS, {"en": [passage(1), edited]})
    assert counts(look([pairs], [bench])) == {("train", "bench", "passages", "en"): (1, 1, 0)}


def test_several_passages_of_a_question_are_no_translations(
    look: Make, make_pairs: Make, make_collection: Make, passage: Callable[[int], str]
) -> None:
    """Nobody knows which belongs to which."""
    bench = make_collection(
        "bench", {k: v[:1] for k, v in QUESTIONS.items()}, {"en": [passage(0)], "de": [passage(1)]}, extra=[passage(2)]
    )
    several = dataclasses.replace(
        bench,
        relevant_queries=np.array([0, 0, 0, 1, 1, 1]),
        relevant_passages=np.array([0, 1, 2, 0, 1, 2]),
        grades=np.ones(6, dtype=np.int64),
    )
    pairs = make_pairs("train", OTHERS, {"en": [passage(0), passage(9)]})
    assert counts(look([pairs], [bench]))["train", "bench", "passages", "de"] == (0, 0, 1)
    assert counts(look([pairs], [several])) == {("train", "bench", "passages", "en"): (1, 0, 0)}


def test_shared_passages_and_missing_languages(
    look: Make, make_pairs: Make, bench: Any, passage: Callable[[int], str]
) -> None:
    """A passage that questions share is read once in each language, also where the first question lacks it."""
    pairs = make_pairs(
        "train",
        {"en": ["one question here", "another question here"], "de": [None, QUESTIONS["de"][2]]},
        {"en": [passage(20), passage(20)], "de": [None, passage(12)]},
        groups=[0, 0],
    )
    table = look([pairs], [bench])
    assert table.trained == {"questions": 3, "passages": 2}
    assert counts(table)["train", "bench", "passages", "de"] == (1, 0, 0)
    assert counts(table)["train", "bench", "questions", "de"] == (1, 0, 0)


def test_several_datasets_and_benchmarks(
    look: Make, make_pairs: Make, make_collection: Make, bench: Any, passage: Callable[[int], str]
) -> None:
    """The largest share is of all datasets together; one text in two benchmarks is found in both."""
    second = make_collection("second", {"en": QUESTIONS["en"][:1]}, {"en": [passage(40)]})
    datasets = [
        make_pairs(name, {"en": [QUESTIONS["en"][i]]}, {"en": [passage(50 + i)]}) for i, name in enumerate(["a", "b"])
    ]
    table = look(datasets, [bench, second])
    assert counts(table)["a", "bench", "questions", "en"] == (1, 0, 0)
    assert counts(table)["b", "bench", "questions", "en"] == (1, 0, 0)
    assert counts(table)["a", "second", "questions", "en"] == (1, 0, 0)
    alone = look(datasets, [bench])
    assert alone.largest is not None
    assert (alone.largest.found, alone.largest.texts) == (2, 3)
    assert table.largest is not None
    assert (table.largest.benchmark, table.largest.share) == ("second", 1.0)


def test_more_texts_than_a_slice(look: Make, make_pairs: Make, make_collection: Make) -> None:
    """Positions are right behind the first slice, of the benchmark and of the training data."""
    questions = [f"what is written in letter number {i} of {i * i}" for i in range(700)]
    passages = [f"letter {i} says {i**3} times {i**2} words" for i in range(700)]
    bench = make_collection("bench", {"en": questions}, {"en": passages})
    trained = [f"unrelated words {i}" for i in range(900)]
    trained[650], trained[651] = questions[300], questions[699]
    pairs = make_pairs("train", {"en": trained}, {"en": [f"x{i}" for i in range(899)] + [passages[511]]})
    table = look([pairs], [bench], near_up_to=0)
    assert counts(table) == {
        ("train", "bench", "questions", "en"): (2, 0, 0),
        ("train", "bench", "passages", "en"): (1, 0, 0),
    }
    examples = {(one.benchmark, one.training) for row in table.rows for one in row.examples}
    assert examples == {(text, text) for text in (questions[300], questions[699], passages[511])}


def test_refusal_names_share_and_way_out(
    look: Make, make_pairs: Make, bench: Any, passage: Callable[[int], str]
) -> None:
    pairs = make_pairs("train", {"en": [QUESTIONS["en"][0] + "\x1b[2J"]}, {"en": [passage(20)]})
    table = look([pairs], [bench])
    table.check(0.34)
    with pytest.raises(UserError) as caught:
        table.check(0.33)
    message = str(caught.value)
    assert "data.leaks.allowed=0.33: 1 of 3 questions of bench in en (33.3%)" in message
    assert "data.leaks.allowed=1" in message
    assert QUESTIONS["en"][0] in message
    warning = table.warning()
    assert warning is not None
    assert "\n" not in warning
    assert warning.startswith("Leaks: 1 of 3 questions of bench in en (33.3%)")


def test_the_record_is_plain_json(look: Make, make_pairs: Make, bench: Any, passage: Callable[[int], str]) -> None:
    pairs = make_pairs("train", {"en": QUESTIONS["en"]}, {"en": [passage(i) for i in range(3)]})
    record = look([pairs], [bench]).record()
    assert json.loads(json.dumps(record)) == record
    assert record["largest"]["share"] == 1.0
    assert record["rows"][0]["examples"][0]["kind"] == "exact"
    assert all(len(row["examples"]) <= 3 for row in record["rows"])


@pytest.mark.parametrize(
    ("key", "value"), [("allowed", 1.5), ("threshold", 0.4), ("permutations", 8), ("near_up_to", -1)]
)
def test_bounds(key: str, value: float) -> None:
    section = {"check": True, "allowed": 1.0, "threshold": 0.8, "permutations": 128, "near_up_to": None}
    with pytest.raises(UserError, match=rf"data\.leaks\.{key}="):
        check_section(LeakSettings, {**section, key: value}, "data.leaks")


def test_a_negative_that_is_a_test_passage(
    look: Make, make_pairs: Make, make_collection: Make, bench: Any, passage: Callable[[int], str]
) -> None:
    """It has rows of its own, with the text that was found, and neither warns of an answer nor is refused; a published
    id of the training names no negative."""
    edited = passage(1).rsplit(" ", 1)[0]
    negatives = {"en": [(Negative(passage(30)), Negative(passage(0).upper())), (), (Negative(edited, 4),)]}
    pairs = make_pairs("train", {"en": [f"question {i}" for i in range(3)]}, {"en": [passage(i) for i in (20, 21, 22)]})
    table = look([dataclasses.replace(pairs, negatives=negatives)], [bench])
    assert counts(table) == {
        ("train", "bench", "negatives", "en"): (1, 1, 0),
        ("train", "bench", "negatives", "de"): (0, 0, 2),
    }
    assert table.trained == {"questions": 3, "passages": 3, "negatives": 3}
    assert table.compared == {"bench": {"questions": 6, "passages": 6, "negatives": 6}}
    found = {(one.kind, one.benchmark, one.training) for row in table.rows for one in row.examples if one.training}
    assert found == {
        ("exact", passage(0)[:160], passage(0).upper()[:160]),
        ("near", passage(1)[:160], edited[:160]),
    }
    assert table.largest is None
    table.check(0.0)
    assert "4 relevant passages of the test sets are hard negatives" in str(table.warning())
    texts = {"en": QUESTIONS["en"]}, {"en": [passage(i) for i in range(3)]}
    own = make_collection("bench", *texts, ids=SQUAD)
    named = make_pairs("train", {"da": ["Hvor?"]}, {"da": [passage(60)]}, ids=[SQUAD[1]])
    found_by_id = counts(look([dataclasses.replace(named, negatives={"da": [(Negative(passage(61)),)]})], [own]))
    assert set(found_by_id) == {("train", "bench", "questions", "en"), ("train", "bench", "passages", "en")}


def test_negatives_behind_a_slice(look: Make, make_pairs: Make, make_collection: Make) -> None:
    """Questions with no, one and many negatives."""
    passages = [f"letter {i} says {i**3} times {i**2} words" for i in range(300)]
    bench = make_collection("bench", {"en": [f"question {i}" for i in range(300)]}, {"en": passages})
    texts = [f"x{i}" for i in range(600)]
    negatives: list[tuple[Negative, ...]] = [()] * 600
    negatives[3] = tuple(Negative(f"unrelated words {i}") for i in range(700))
    negatives[511] = (Negative("no"), Negative(passages[299]))
    pairs = dataclasses.replace(make_pairs("train", {"en": texts}, {"en": texts}), negatives={"en": negatives})
    (row,) = look([pairs], [bench], near_up_to=0).rows
    assert (row.side, row.exact) == ("negatives", 1)
    assert [(one.benchmark, one.training) for one in row.examples] == [(passages[299], passages[299])]
    assert look([pairs], [bench], near_up_to=0).trained["negatives"] == 702


def test_every_wording_of_a_passage_group_is_compared(
    look: Make, make_pairs: Make, bench: Any, passage: Callable[[int], str], tmp_path: Path
) -> None:
    """Pairs that share a question are one group (mMARCO, tables), and so a group has several passages of a language."""
    texts = {"en": [passage(20), passage(1), passage(21), passage(20)], "de": [None, passage(30), None, passage(31)]}
    queries = {"en": [OTHERS["en"][0]] * 4, "de": [None, "Warum?", None, "Warum?"]}
    pairs = make_pairs("train", queries, texts, groups=[0, 0, 0, 0])
    write_pairs(tmp_path / "train", pairs)
    complete_pairs(tmp_path / "train")
    for one in (pairs, read_pairs(tmp_path / "train")):
        table = look([one], [bench])
        assert counts(table)["train", "bench", "passages", "en"] == (1, 0, 0)
        assert table.trained == {"questions": 6, "passages": 5}  # the one that two questions have counts once
        (row,) = [row for row in table.rows if row.language == "en"]
        assert passage(1).startswith(row.examples[0].training)
