"""Mined negatives of a small parallel corpus: against loops, in shards, and never an answer."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from slow_mining import LANGUAGES, Given, Table, corpus, mined, settings, slow_negatives, texts

from hybridret.base.errors import UserError
from hybridret.base.records import ParallelPairs
from hybridret.data.prepared.mined import mined_folder
from hybridret.data.prepared.source import PreparedSource
from hybridret.mining import shard as shard_module
from hybridret.mining.asking import asking_languages, check_asking
from hybridret.mining.distinct import distinct_passages, groups_of_rows
from hybridret.retrieval.bm25 import Bm25

RULES: list[dict[str, Any]] = [
    {},
    {"first": 3, "last": 6},
    {"first": 2, "last": 100, "negatives": 50},
    {"margin": 0.25},
    {"relative_margin": 0.3, "first": 2},
    {"margin": 0.1, "relative_margin": 0.05, "queries": "cross"},
    {"queries": "de"},
]


@pytest.mark.parametrize("rules", RULES, ids=str)
@pytest.mark.parametrize("extra", [0, 16])
def test_negatives_are_those_of_a_loop(rules: dict[str, Any], extra: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Window, margins, and the language that asks; a search that is too shallow at first is searched again."""
    monkeypatch.setattr(shard_module, "EXTRA", extra)
    pairs, retriever = corpus(), Table()
    source = PreparedSource(Given(pairs))
    found = texts(mined(source, retriever=retriever, **rules), source)
    asked = settings(**rules)
    some = 0
    for language in LANGUAGES:
        asking = asking_languages(pairs, language, asked.queries, 1)
        for question in range(len(pairs)):
            spoken = LANGUAGES[asking[question]]
            mine_ = found[language][question]
            if asking[question] < 0:
                assert mine_ == []
                continue
            assert mine_ == slow_negatives(pairs, question, language, spoken, asked)[: asked.negatives]
            some += len(mine_)
    assert some > 30
    assert extra or asked.last > 20 or max(retriever.depths) > asked.last


def test_a_judge_refuses_what_it_finds_close() -> None:
    pairs, source = corpus(), PreparedSource(Given(corpus()))
    rules: dict[str, Any] = {"judge_relative_margin": 0.3, "judge_margin": 0.1, "margin": 0.05}
    found = mined(source, judged_by=Table("judge"), **rules)
    kept = texts(found, source)
    for language in LANGUAGES:
        for question in np.flatnonzero(pairs.present[:, LANGUAGES.index(language)]).tolist():
            slow = slow_negatives(pairs, question, language, language, settings(**rules), "judge")
            assert kept[language][question] == slow[:4]
    assert found.about["datasets"][0]["counts"]["judge"] > 20


@pytest.mark.parametrize("queries", ["same", "cross", "de"])
@pytest.mark.parametrize("draw", ["best", "random"])
def test_no_answer_is_a_negative_in_any_language(queries: str, draw: str) -> None:
    """Neither the positive's group nor that of another question with the same text, nor a copy of their texts."""
    pairs, source = corpus(80), PreparedSource(Given(corpus(80)))
    (read,) = mined(source, queries=queries, draw=draw, last=200).training(source.training())
    some = 0
    for language in LANGUAGES:
        asking = asking_languages(pairs, language, queries, 1)
        for question, row in enumerate(read.negatives[language]):
            answers = {int(pairs.passage_groups[question])}
            wrong = {pairs.passages[language][question]}
            for other in range(len(pairs)):
                spoken = LANGUAGES[asking[question]]
                if row and pairs.queries[spoken][other] == pairs.queries[spoken][question]:
                    answers.add(int(pairs.passage_groups[other]))
                    wrong.add(pairs.passages[language][other])
            assert not answers & {one.group for one in row}
            assert not wrong & {one.text for one in row}
            assert len({one.text for one in row}) == len(row)
            some += len(row)
    assert some > 300


def test_the_language_that_asks_is_another_one_and_drawn_evenly() -> None:
    pairs = corpus(600)
    for column, language in enumerate(LANGUAGES):
        asking = asking_languages(pairs, language, "cross", 5)
        drawn = np.flatnonzero(asking >= 0)
        assert (asking[drawn] != column).all()
        assert pairs.present[drawn, asking[drawn]].all()
        assert np.array_equal(asking >= 0, pairs.present[:, column] & (pairs.present.sum(axis=1) > 1))
        free = drawn[pairs.present[drawn].all(axis=1)]
        assert 0.4 < (asking[free] == asking[free].max()).mean() < 0.6
        assert not np.array_equal(asking, asking_languages(pairs, language, "cross", 6))
    assert (asking_languages(pairs, "en", "fr", 1) == -1).all()
    with pytest.raises(
        UserError, match=r"mining\.queries=fr: choose same, cross, or a language of the data: de, en, ru"
    ):
        check_asking("fr", [pairs])


@pytest.mark.parametrize("retriever", [Table, Bm25], ids=["table", "bm25"])
@pytest.mark.parametrize("draw", ["best", "random"])
def test_the_size_of_shards_changes_nothing(retriever: Callable[[], Any], draw: str) -> None:
    source = PreparedSource(Given(corpus()))
    hashes = {
        mined(source, f"of-{shard}", shard, retriever=retriever(), draw=draw, queries="cross").about["hash"]
        for shard in (7, 40, 1000)
    }
    assert len(hashes) == 1


def test_random_negatives_are_drawn_from_those_that_are_kept() -> None:
    source = PreparedSource(Given(corpus()))
    every = texts(mined(source, "all", negatives=8), source)
    some = [texts(mined(source, f"seed-{seed}", draw="random", seed=seed), source) for seed in (1, 2)]
    assert some[0] != some[1]
    for language in LANGUAGES:
        for row, (whole, *drawn) in enumerate(zip(every[language], *(one[language] for one in some), strict=True)):
            for one in drawn:
                assert one == [text for text in whole if text in one], row  # best first
                assert len(one) == min(4, len(whole))


def test_every_dataset_has_its_own() -> None:
    second = corpus(12, seed=3)
    source = PreparedSource(Given(corpus(), second))
    found = mined(source)
    assert found.folder == mined_folder(source.path, "set")
    _, read = found.training(source.training())
    known = {text for column in second.passages.values() for text in column}
    assert {one.text for rows in read.negatives.values() for row in rows for one in row} <= known


def test_other_passages_have_other_vectors_in_a_cache() -> None:
    """And the same ones the same: a second set is mined without encoding them again."""
    found = []
    for made in (corpus(), corpus(12, seed=3), corpus()):
        (pairs,) = PreparedSource(Given(made)).training()
        found.append([distinct_passages(pairs, one, groups_of_rows(pairs)).fingerprint for one in LANGUAGES])
    assert found[0] == found[2]
    assert len({*found[0], *found[1]}) == 6


def test_nothing_kept_is_an_error_with_its_cause() -> None:
    with pytest.raises(UserError, match=r"No question has a hard negative: .* Lower mining\.first, or use smaller"):
        mined(PreparedSource(Given(corpus())), first=500, last=600)


def test_counts_add_up() -> None:
    source = PreparedSource(Given(corpus()))
    (one,) = mined(source, margin=0.2, negatives=8).about["datasets"]
    counts = one["counts"]
    assert counts["kept"] == counts["window"] - counts["margin"]
    assert counts["questions"] == 120
    assert counts["asked"] == corpus().present.sum()
    assert 0 < counts["answers"] < 4 * counts["asked"]
    for name in counts:
        assert counts[name] == sum(of.get(name, 0) for of in one["languages"].values())


def test_bm25_scores_pairs_as_it_searches() -> None:
    pairs: ParallelPairs = corpus()
    source = PreparedSource(Given(pairs))
    found = mined(source, retriever=Bm25(), relative_margin=0.0, first=1, last=30, negatives=30)
    assert found.about["datasets"][0]["counts"]["margin"] > 0


def test_a_copy_of_an_answer_under_a_number_of_its_own_is_none_of_its_negatives() -> None:
    """Question 1 has another wording of the answer of question 0, which stands first under question 2."""
    answers = ["answer", "the answer", "the answer", "wrong one", "wrong two"]
    pairs = ParallelPairs(
        "words",
        ("en",),
        tuple("abcde"),
        {"en": [f"question {name}" for name in "vwxyz"]},
        {"en": [answers[number] for number in (2, 0, 1, 3, 4)]},
        np.array([7, 1, 1, 3, 4]),
    )
    source = PreparedSource(Given(pairs))
    found = texts(mined(source), source)["en"]
    assert sorted(found[1]) == ["wrong one", "wrong two"]
    assert sorted(found[3]) == ["answer", "the answer", "wrong two"]
