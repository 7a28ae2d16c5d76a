"""Pairs of languages by name, by centre, by script and by weight; what is wrong with a choice is one paragraph."""

from __future__ import annotations

from itertools import permutations

import numpy as np
import pytest
from slow_pairs import pairs_of

from hybridret.base.errors import UserError
from hybridret.batching.cross import Cross
from hybridret.batching.hybrid import Hybrid
from hybridret.batching.language_pairs import chosen_pairs, shown_pairs

LANGUAGES = ["ar", "de", "en", "th", "zh", "zh-hant"]


def test_all_is_no_choice():
    assert chosen_pairs("all", LANGUAGES) is None


@pytest.mark.parametrize(
    ("choice", "centre"), [("english", "en"), ("en", "en"), ("eng-Latn", "en"), ("zh-hant", "zh-hant")]
)
def test_pairs_around_one_language(choice, centre):
    expected = {pair for pair in permutations(LANGUAGES, 2) if centre in pair}
    found = chosen_pairs(choice, LANGUAGES)
    assert found is not None
    assert set(found) == expected
    assert set(found.values()) == {1.0}


def test_pairs_within_one_script():
    found = chosen_pairs("script", [*LANGUAGES, "fa", "ru", "qaa"])
    assert set(found or ()) == {("de", "en"), ("en", "de"), ("ar", "fa"), ("fa", "ar")}


def test_languages_without_a_known_script_share_none():
    assert chosen_pairs("script", ["qaa", "qab"]) == {}


def test_lists_and_weights():
    assert chosen_pairs(["en-de", "de-en"], LANGUAGES) == {("en", "de"): 1.0, ("de", "en"): 1.0}
    assert chosen_pairs({"en-de": 2, "th-en": "0.5"}, LANGUAGES) == {("en", "de"): 2.0, ("th", "en"): 0.5}


def test_codes_in_any_form_and_with_hyphens():
    found = chosen_pairs(["zh-hant-en", "en-zho-Hant", "zh-zh-hant", "DE-eng-Latn"], LANGUAGES)
    assert list(found or ()) == [("zh-hant", "en"), ("en", "zh-hant"), ("zh", "zh-hant"), ("de", "en")]


@pytest.mark.parametrize(
    ("choice", "message"),
    [
        ("englsh", r"^batching\.pairs=englsh: .* Did you mean 'english'\?$"),
        ("fr", r"^batching\.pairs=fr: the training data has no such language\. Known: ar, de, en, th, zh, zh-hant\.$"),
        ("de-en", r"^batching\.pairs=de-en: pairs are given as a list, batching\.pairs=\[de-en\]\.$"),
        ("x-y", r"the training data has no such language"),
        ([], r"^batching\.pairs=\[\] is empty: name pairs"),
        ({}, r"^batching\.pairs=\{\} is empty: name pairs"),
        (["en"], r"^batching\.pairs: 'en' is no pair of languages\. Write QUERY-PASSAGE, like en-de\.$"),
        (["en-"], r"'en-' is no pair of languages"),
        (["en-dd"], r"'en-dd' is no pair of two different languages of the training data\. Did you mean 'en-de'\?$"),
        (["english-german"], r"'english-german' is no pair .* The languages are ar, de, en, th, zh, zh-hant\.$"),
        (["en-en"], r"'en-en' is no pair of two different languages"),
        (["en-de", "eng-de"], r"en-de is given twice, the second time as 'eng-de'"),
        ({"en-de": 0}, r"^batching\.pairs\.en-de=0 must be from 1e-06 to .*\. Only ratios of weights count"),
        ({"en-de": "much"}, r"^batching\.pairs\.en-de='much' must be a number"),
        ({"en-de": True}, r"^batching\.pairs\.en-de=True must be a number"),
        ({"en-de": float("nan")}, r"^batching\.pairs\.en-de=nan must be a number"),
    ],
)
def test_wrong_choices(choice, message):
    with pytest.raises(UserError, match=message):
        chosen_pairs(choice, LANGUAGES)


@pytest.mark.parametrize("choice", ["englsh", [], ["en"], {"en-de": -1}])
@pytest.mark.parametrize("make", [lambda pairs: Cross(pairs), lambda pairs: Hybrid(0.5, pairs=pairs)])
def test_the_form_is_checked_before_there_are_data(choice, make):
    with pytest.raises(UserError, match=r"batching\.pairs"):
        make(choice)


def test_nothing_left(make_pairs):
    data = [make_pairs(languages=("de", "th", "zh"))]
    with pytest.raises(UserError, match=r"pairs=script: .* \(de \(Latn\), th \(Thai\), zh \(Hans\)\) exists in both"):
        Cross("script").schedule(data, 8)
    data.append(make_pairs("english", languages=("en",)))
    with pytest.raises(UserError, match=r"^batching\.pairs=english: no question .* \(de, en, th, zh\) exists in both"):
        Cross("english").schedule(data, 8)
    with pytest.raises(UserError, match=r"^batching\.pairs: no question .* in both languages of en-de\. Leave"):
        Cross(["de-th", "en-de"]).schedule(data, 8)
    with pytest.raises(UserError, match=r"^batching\.pairs=\{en-de:2\}: no question .* Choose other pairs"):
        Cross({"en-de": 2}).schedule(data, 8)


def test_too_few_names_the_pairs(make_pairs):
    pairs = make_pairs()
    pairs.queries["en"][5:] = [None] * (len(pairs) - 5)
    assert Cross().schedule([pairs], 8)(0, 0).kind == "cross"
    with pytest.raises(UserError, match=r"'cross' with batching\.pairs=\[en-de,th-en\]: .* about 5 different passages"):
        Cross(["en-de", "th-en"]).schedule([pairs], 8)


@pytest.mark.parametrize("choice", ["english", "de", "script", ["de-th", "ar-zh"], {"en-de": 1, "zh-en": 5}])
def test_only_questions_and_pairs_of_the_choice_are_drawn(datasets, batch_size, choice):
    schedule = Cross(choice).schedule(datasets, batch_size)
    questions = {dataset: set() for dataset in range(2)}
    for step in range(400):
        batch = schedule(0, step)
        pairs = datasets[batch.dataset]
        rows = zip(batch.questions.tolist(), batch.query_languages, batch.passage_languages, strict=True)
        for question, query, passage in rows:
            assert (query, passage) in {pair[:2] for pair in pairs_of(choice, pairs, question)}
            questions[batch.dataset].add(question)
    for dataset, drawn in questions.items():
        pairs = datasets[dataset]
        assert drawn == {question for question in range(len(pairs)) if pairs_of(choice, pairs, question)}


def test_hybrid_of_alpha_0_is_cross_with_the_same_pairs(datasets, batch_size):
    cross, hybrid = (one.schedule(datasets, batch_size) for one in (Cross("english"), Hybrid(0, pairs="english")))
    assert all(np.array_equal(cross(2, step).query_languages, hybrid(2, step).query_languages) for step in range(50))


def test_shown_as_on_the_command_line():
    assert [shown_pairs(one) for one in ("all", ["en-de", "de-en"], {"en-de": 2})] == [
        "all",
        "[en-de,de-en]",
        "{en-de:2}",
    ]
