"""Components to a collection: against a slow join by dictionaries, and whatever does not fit together."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from datasets import Dataset

from hybridret.base.errors import UserError
from hybridret.base.records import Collection
from hybridret.data.columns import Column
from hybridret.data.joining import LACKING, SCORED_0
from hybridret.data.qrels import Qrels
from hybridret.data.retrieval_set import Part, collection_of, published_id

Judgment = tuple[str, str, int]


def qrels(judgments: Sequence[Judgment], repeated: int = 0) -> Qrels:
    grades = np.array([grade for _, _, grade in judgments], dtype=np.int64)
    return Qrels([query for query, _, _ in judgments], [passage for _, passage, _ in judgments], grades, repeated)


def part(
    judgments: Sequence[Judgment],
    queries: Sequence[str] = ("q1", "q2", "q3"),
    passages: Sequence[str] = ("d1", "d2", "d3", "d4"),
    language: str = "en",
    **other: Any,
) -> Part:
    """Texts name their language and id."""
    return Part(
        language,
        list(queries),
        [f"{language} {query}?" for query in queries],
        list(passages),
        [f"{language} {passage}." for passage in passages],
        qrels(judgments),
        **other,
    )


def on_disk(found: Part) -> Part:
    """The same, with columns in place of lists."""
    queries = Dataset.from_dict({"id": list(found.query_ids), "text": list(found.queries)})
    passages = Dataset.from_dict({"id": list(found.passage_ids), "text": list(found.passages)})
    return replace(
        found,
        query_ids=Column(queries, ("id",), strip=False),
        queries=Column(queries, ("text",)),
        passage_ids=Column(passages, ("id",), strip=False),
        passages=Column(passages, ("text",)),
    )


def judged(collection: Collection) -> list[Judgment]:
    rows = zip(collection.relevant_queries, collection.relevant_passages, collection.grades.tolist(), strict=True)
    return [(collection.query_ids[query], collection.passage_ids[passage], grade) for query, passage, grade in rows]


def unmet(collection: Collection) -> list[tuple[str, str, int, str]]:
    """Query, passage, grade and language of the passage, "" where it is not known."""
    found = collection.unmet
    rows = zip(found.queries, found.passage_ids, found.grades.tolist(), found.languages.tolist(), strict=True)
    return [(collection.query_ids[q], p, grade, (*collection.languages, "")[place]) for q, p, grade, place in rows]


def assert_sound(collection: Collection) -> None:
    queries, passages = len(collection.query_ids), len(collection.passage_ids)
    assert len(set(collection.query_ids)) == queries == len(collection.queries) == len(collection.questions)
    assert len(set(collection.passage_ids)) == passages == len(collection.passages)
    assert len(collection.query_languages) == queries
    assert len(collection.passage_languages) == passages
    assert np.all(np.diff(collection.passage_languages) >= 0)
    assert np.all(np.diff(collection.relevant_queries) >= 0)
    assert {*collection.relevant_queries.tolist(), *collection.unmet.queries.tolist()} == set(range(queries))
    assert collection.grades.min() > 0
    for ids, texts, spoken in (
        (collection.query_ids, collection.queries, collection.query_languages),
        (collection.passage_ids, collection.passages, collection.passage_languages),
    ):
        for identifier, text, language in zip(ids, texts, spoken, strict=True):
            assert text[:-1].split() == [collection.languages[language], published_id(collection, identifier)]


@pytest.mark.parametrize("disk", [False, True])
def test_a_join_of_one_language(disk: bool) -> None:
    one = part([("q3", "d4", 2), ("q1", "d2", 1), ("q3", "d1", 1), ("q1", "d3", 0), ("q2", "d1", -1)])
    collection = collection_of("c", [on_disk(one) if disk else one], {"split": "test"}, ("monolingual",), True, "f")
    assert_sound(collection)
    assert judged(collection) == [("q1", "d2", 1), ("q3", "d1", 1), ("q3", "d4", 2)]
    assert unmet(collection) == [("q2", "d1", -1, "en")]  # judged, but nothing is relevant: 0, as in trec_eval
    assert collection.query_ids == ["q1", "q2", "q3"]
    assert collection.queries == ["en q1?", "en q2?", "en q3?"]
    assert collection.questions.tolist() == [0, 1, 2]
    assert collection.notes == {"split": "test", SCORED_0: "1"}
    assert (collection.settings, collection.drop_identical, collection.fingerprint) == (("monolingual",), True, "f")
    assert isinstance(collection.passages, Column) is disk


@pytest.mark.parametrize("across", [False, True])
def test_equals_a_slow_join(monkeypatch: pytest.MonkeyPatch, across: bool) -> None:
    monkeypatch.setattr("hybridret.base.ids.SLICE", 7)
    draw = random.Random(int(across))
    parts = []
    for language in ("sw", "en", "zh"):
        passages = [f"d{language}{number}" for number in range(50)]
        queries = [f"q{language}{number}" for number in range(20)]
        draw.shuffle(passages)
        pool = [f"d{code}{number}" for code in ("sw", "en", "zh") for number in range(50)] if across else passages
        pairs = {(draw.choice(queries), draw.choice([*pool, "unknown"])) for _ in range(60)}
        found = part([(*pair, draw.randrange(-1, 3)) for pair in sorted(pairs)], queries, passages, language)
        parts.append(on_disk(found) if language == "en" else found)
    collection = collection_of("c", parts, {}, across=across)
    assert_sound(collection)
    known = {identifier for one in parts for identifier in one.passage_ids}
    slow = {
        row
        for one in parts
        for row in zip(one.qrels.query_ids, one.qrels.passage_ids, one.qrels.grades.tolist(), strict=True)
        if row[2] > 0 and row[1] in known
    }
    assert set(judged(collection)) == slow
    assert len(judged(collection)) == len(slow)
    lacking = {
        row
        for one in parts
        for row in zip(one.qrels.query_ids, one.qrels.passage_ids, one.qrels.grades.tolist(), strict=True)
        if row[2] > 0 and row[1] not in known
    }
    assert {row[:3] for row in unmet(collection) if row[2] > 0} == lacking
    none = {query for one in parts for query in one.qrels.query_ids} - {row[0] for row in slow | lacking}
    assert sorted(row[0] for row in unmet(collection) if row[2] <= 0) == sorted(none)
    assert {row[3] for row in unmet(collection)} == ({""} if across else {"sw", "en", "zh"})
    assert "ids" not in collection.notes


def test_ids_that_meet_are_told_apart_and_undone() -> None:
    one = part([("q1", "d2", 1), ("q2", "d1", 1)], language="sw")
    other = part([("q1", "d1", 1)], ["q1"], ["d1", "d9"], language="ko")
    for parts in ([one, other], [on_disk(one), other]):
        collection = collection_of("c", parts, {})
        assert_sound(collection)
        assert judged(collection) == [("sw:q1", "sw:d2", 1), ("sw:q2", "sw:d1", 1), ("ko:q1", "ko:d1", 1)]
        assert collection.notes["ids"].startswith("LANGUAGE:ID, because passages in sw and in ko have the same id 'd1'")
        assert [published_id(collection, identifier) for identifier in collection.passage_ids[-2:]] == ["d1", "d9"]
    apart = collection_of("c", [one, part([("k", "k1", 1)], ["k"], ["k1"], "ko")], {})
    assert apart.query_ids == ["q1", "q2", "k"]
    assert published_id(apart, "a:b") == "a:b"
    meeting = collection_of("c", [one, part([("q1", "k1", 1)], ["q1"], ["k1"], "ko")], {})
    assert meeting.query_ids == ["sw:q1", "sw:q2", "ko:q1"]
    assert "queries in sw and in ko have the same id 'q1'" in meeting.notes["ids"]
    with pytest.raises(UserError, match="passages in sw and in ko have the same id 'd1', but their judgments"):
        collection_of("c", [one, other], {}, across=True)


def test_judgments_stay_in_their_language_unless_told() -> None:
    """A truncated corpus must not find its passages in that of another language."""
    parts = [part([("q1", "d1", 1), ("q1", "k1", 1)]), part([("k", "k1", 1)], ["k"], ["k1"], "ko")]
    collection = collection_of("c", parts, {})
    assert judged(collection) == [("q1", "d1", 1), ("k", "k1", 1)]
    assert collection.notes["judgments of unknown passages"] == "en 1"
    assert judged(collection_of("c", parts, {}, across=True)) == [("q1", "d1", 1), ("q1", "k1", 1), ("k", "k1", 1)]


def test_passages_that_no_part_has() -> None:
    parts = [part([("q1", "d1", 1), ("q1", "x", 2)]), part([("k", "y", 1), ("k", "k1", 1)], ["k"], ["k1"], "ko")]
    apart = collection_of("c", parts, {})
    assert unmet(apart) == [("q1", "x", 2, "en"), ("k", "y", 1, "ko")]
    across = collection_of("c", parts, {}, across=True)
    assert unmet(across) == [("q1", "x", 2, ""), ("k", "y", 1, "")]
    assert "multilingual setting alone" in across.notes["language of passages not in the corpus"]
    english = [part([("q1", "d1", 1)]), part([("k", "y", 1), ("k", "d1", 1)], ["k"], [], "ko")]
    assert unmet(collection_of("c", english, {}, across=True)) == [("k", "y", 1, "en")]
    met = [part([("q1", "d1", 1), ("q1", "x", 2)]), part([("q1", "d1", 1)], ["q1"], ["d1"], "ko")]
    assert unmet(collection_of("c", met, {})) == [("en:q1", "en:x", 2, "en")]


def test_spaces_around_an_id_count_unless_only_the_bare_id_is_known() -> None:
    judgments = [("q1 ", "d1 ", 1), ("q2", " d2", 1), ("q2", "d3", 1)]
    collection = collection_of("c", [part(judgments, ["q1 ", "q2"], ["d1", "d1 ", "d2", "d3"])], {})
    assert judged(collection) == [("q1 ", "d1 ", 1), ("q2", "d2", 1), ("q2", "d3", 1)]


def test_a_language_may_lack_queries_or_passages() -> None:
    parts = [part([("q1", "k1", 1)], ["q1"], []), part([], [], ["k1", "k2"], "ko")]
    collection = collection_of("c", parts, {}, across=True)
    assert_sound(collection)
    assert judged(collection) == [("q1", "k1", 1)]
    assert collection.passage_languages.tolist() == [1, 1]


def test_clusters_of_questions() -> None:
    parts = [
        part([("q1", "d1", 1), ("q3", "d2", 1)], questions=np.array([7, 8, 9])),
        part([("k1", "e1", 1), ("k2", "e1", 1)], ["k1", "k2"], ["e1"], "ko", questions=np.array([9, 7])),
    ]
    assert collection_of("c", parts, {}).questions.tolist() == [0, 1, 1, 0]
    with pytest.raises(ValueError, match="some parts"):
        collection_of("c", [parts[0], replace(parts[1], questions=None)], {})
    with pytest.raises(ValueError, match="one part for each language"):
        collection_of("c", [parts[0], parts[0]], {})


def test_what_does_not_fit_is_counted() -> None:
    one = part([("q1", "d1", 1), ("q1", "gone", 1), ("none", "d1", 1), ("q2", "d3", 0), ("q1", "d2", 1)])
    one = replace(one, passages=["a", " \n", "", "b"], qrels=replace(one.qrels, repeated=3))
    one = replace(one, queries=["?", "", "\t"])
    expected = {
        "judgments of unknown queries": "1",
        "judgments of unknown passages": "1",
        "queries without a judgment, left out": "1",
        LACKING: "1",
        SCORED_0: "1",
        "judgments given twice": "3",
        "empty queries": "2",
        "empty passages": "2",
    }
    assert collection_of("c", [one], {}).notes == expected
    assert len(collection_of("c", [one], {}).passages) == 4
    two = part([("k", "e", 1)], ["k"], ["e"], "ko")
    assert collection_of("c", [one, two], {}).notes == {key: f"en {count}" for key, count in expected.items()}


@pytest.mark.parametrize("disk", [False, True])
def test_errors(disk: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hybridret.base.ids.SLICE", 2)

    def of(found: Part) -> Collection:
        return collection_of("c", [on_disk(found) if disk else found], {})

    with pytest.raises(UserError, match="c: the passages in en: id 'd2' stands twice, in rows 2 and 4"):
        of(part([("q1", "d1", 1)], passages=["d1", "d2", "d3", "d2"]))
    with pytest.raises(UserError, match="c: the queries in en: id 'q1' stands twice, in rows 1 and 2"):
        of(part([("q1", "d1", 1)], ["q1", "q1"]))
    with pytest.raises(
        UserError, match=r"2 of 3 judgments in en name passages that do not exist, such as 'x', while .* 'd1'"
    ):
        of(part([("q1", "d1", 1), ("q1", "x", 1), ("q1", "y", 1)]))
    with pytest.raises(UserError, match="1 of 1 judgments in en name queries that do not exist, such as 1"):
        of(part([(1, "d1", 1)], queries=["1"]))  # type: ignore[list-item]
    with pytest.raises(UserError, match="no query has a relevant passage in the corpus"):
        of(part([("q1", "d1", 0), ("q2", "d2", -1)]))
    with pytest.raises(UserError, match="no query has a relevant passage in the corpus"):
        of(part([("q2", "x", 1), ("x", "d2", 0), ("q1", "d2", 0)]))
    with pytest.raises(UserError, match=r"'Germn' is not a language code.* Did you mean 'de' \(German\)"):
        of(part([("q1", "d1", 1)], language="Germn"))
