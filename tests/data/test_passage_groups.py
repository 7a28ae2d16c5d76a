"""Passage groups without ids of passages, and which passages of a group a test takes as relevant."""

from __future__ import annotations

from hybridret.data.assemble import build_collection, build_pairs, question_key
from hybridret.data.passage_groups import with_passage_groups
from hybridret.data.rows import Row


def row(qid: str, language: str, passage: str) -> Row:
    return Row("d", qid, language, f"{qid} {language}?", passage, None, None, (), "file", 0)


def test_a_passage_that_translates_two() -> None:
    """The German paragraph joins two English ones; question c is asked in German alone, question d has one of each."""
    rows = with_passage_groups(
        [
            row("a", "en", "A"), row("b", "en", "B"), row("a", "de", "AB"), row("b", "de", "AB"), row("c", "de", "AB"),
            row("d", "en", "D"), row("d", "de", "D de"), row("e", "de", "D de"),
        ]
    )  # fmt: skip
    assert [(one.pid, one.group) for one in rows[:3]] == [
        ("passage of a", "passage of a"),
        ("passage of a, 2", "passage of a"),
        ("passage of a", "passage of a"),
    ]
    pairs = build_pairs("d", ["de", "en"], rows)
    assert pairs.passages == {"en": ["A", "B", None, "D", None], "de": ["AB", "AB", "AB", "D de", "D de"]}
    assert pairs.passage_groups.tolist() == [0, 0, 0, 1, 1]
    test = build_collection("d", ["de", "en"], rows, {question_key(one) for one in rows}, {})
    found: dict[str, set[str]] = {}
    for query, passage in zip(test.relevant_queries.tolist(), test.relevant_passages.tolist(), strict=True):
        found.setdefault(test.query_ids[query], set()).add(test.passages[passage])
    assert found == {
        "en:a": {"A", "AB"},
        "en:b": {"B", "AB"},
        "de:a": {"A", "AB"},
        "de:b": {"B", "AB"},
        "de:c": {"AB"},  # nobody knows which of the two English ones answers it
        "en:d": {"D", "D de"},
        "de:d": {"D", "D de"},
        "de:e": {"D", "D de"},
    }
