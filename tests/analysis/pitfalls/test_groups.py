"""Properties of texts and languages, and the groups that they make."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from pitfall_worlds import texts

from hybridret.analysis.pitfalls.families import family_of
from hybridret.analysis.pitfalls.groups import language_groups, text_groups, top_third
from hybridret.analysis.pitfalls.names import names_in, tells_names

PAIRS = (("de", "en"), ("en", "de"), ("en", "th"), ("th", "en"))
QUESTIONS = ("q0", "q1", "q2")
ASKED = texts(
    [
        ("q0", "en", "When did Ada meet Babbage?"),
        ("q1", "en", "Who won in 1969?"),
        ("q2", "en", "How many people, in the end, did vote for Tesla, or so we are told?"),
        ("q0", "de", "Wann traf Ada Babbage?"),
        ("q1", "de", "Wer gewann?"),
        ("q0", "th", "ใครชนะในปี ๑๙๖๙"),
        ("q2", "th", "มีกี่คน"),
    ]
)


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("Where is Rome?", ("Rome",)),
        ("Rome is where?", ()),
        ("Who saw him? Nobody in Rome. Why: Because.", ("Rome",)),
        ("Should I go to the U.S. Congress or to O'Neill's Jean-Luc?", ("O'Neill's", "Jean-Luc")),
        ("¿Dónde vive Ñusta? ¡Ahora “Él” duerme", ("Ñusta", "Él")),
        ("Где живёт Анна Каренина", ("Анна", "Каренина")),
        ("What is NASA's 3D iPhone 4G", ("NASA's",)),
        ("", ()),
    ],
)
def test_names_are_capitalised_inner_words(text: str, names: tuple[str, ...]) -> None:
    assert names_in(text) == names


def test_capitals_tell_names_in_some_languages() -> None:
    assert [one for one in ("de", "el", "en", "ru", "th", "zh", "ar", "tr") if tells_names(one)] == [
        "el", "en", "ru", "tr",
    ]  # fmt: skip


def test_families_of_the_languages_of_the_test_sets() -> None:
    xquad = ("ar", "de", "el", "en", "es", "hi", "ru", "th", "tr", "vi", "zh")
    assert len({family_of(one) for one in xquad}) == 6
    assert all(map(family_of, (*xquad, "bn", "fa", "fi", "fr", "id", "ja", "ko", "sw", "te", "yo", "zh-hant")))
    assert family_of("tlh") == ""


def test_groups_of_pairs() -> None:
    groups = {one.title: one for one in language_groups(3, (*PAIRS, ("tlh", "en")))}
    assert groups["pairs of two scripts"].member[0].tolist() == [False, False, True, True, False]
    assert groups["pairs of two language families"].defined[0].tolist() == [True, True, True, True, False]
    assert groups["pairs with the question not in Latin script"].member[0].tolist() == [
        False,
        False,
        False,
        True,
        False,
    ]
    assert groups["pairs with the passage not in Latin script"].member[2].tolist() == [False, False, True, False, False]


def test_groups_of_texts() -> None:
    groups = {one.title: one for one in text_groups(QUESTIONS, PAIRS, ASKED)}
    digits = groups["questions with digits"]
    assert digits.member.tolist() == [
        [False, False, False, True], [False, True, True, False], [False, False, False, False],
    ]  # fmt: skip
    assert digits.defined.tolist() == [[True, True, True, True], [True, True, True, False], [False, True, True, True]]
    names = groups["questions with names"]
    assert names.defined.tolist() == [[False, True, True, False]] * 3
    assert names.member[:, 1].tolist() == [True, False, True]
    longest = groups["the longest third of the questions"].member
    assert longest[:, 1].tolist() == [False, False, True]
    assert longest[:, 3].tolist() == [True, False, False]  # among those in Thai
    assert groups["the shortest third of the questions"].member[:, 1].tolist() == [False, True, False]
    assert set(groups) == {
        "questions with digits", "questions with names", "the longest third of the questions",
        "the shortest third of the questions",
    }  # fmt: skip


def test_names_that_are_not_in_the_passage() -> None:
    passages = texts(
        [
            ("q0", "de", "BABBAGE traf sie."), ("q0", "th", "แบบเบจ"), ("q0", "en", "x"),
            ("q2", "de", "Niemand."), ("q2", "th", "Tesla"),
        ]
    )  # fmt: skip
    found = {one.feature: one for one in text_groups(QUESTIONS, PAIRS, ASKED, passages)}["name overlap"]
    assert found.defined.tolist() == [[False, True, True, False], [False] * 4, [False, True, True, False]]
    assert found.member.tolist() == [[False, False, True, False], [False] * 4, [False, True, False, False]]
    fewer = {one.feature: one for one in text_groups(QUESTIONS, PAIRS, ASKED, passages[:-1])}["name overlap"]
    assert fewer.defined.tolist() == [[False, True, True, False], [False] * 4, [False] * 4]


def test_tokens_and_topics() -> None:
    asked = ASKED.assign(tokens=[8, 6, 16, 16, 3, 5, 4], unknown=[0, 0, 1, 0, 0, 5, 0])
    asked["topic"] = ["Sums", "", "Votes", "Sums", "", "Sums", "Votes"]
    groups = {one.title: one for one in text_groups(QUESTIONS, PAIRS, asked)}
    assert groups["questions with an unknown token"].member[:, 3].tolist() == [True, False, False]
    most = groups["questions in the third with most tokens a letter"].member
    letters = [len(text.replace(" ", "")) for text in ASKED["text"]]
    rates = np.array([8, 6, 16]) / letters[:3]
    assert most[:, 1].tolist() == (rates == rates.max()).tolist()
    assert groups["questions about Sums"].member[0].all()
    assert not groups["questions about Sums"].member[1:].any()
    assert not groups["questions about Votes"].defined[1].any()  # its topic is not known


def test_a_third_is_no_more_than_a_third() -> None:
    marks = top_third(np.array([[1.0, 5], [2, 5], [3, 5], [np.nan, 5]]))
    assert marks[:, 0].tolist() == [False, False, True, False]
    assert not marks[:, 1].any()


def test_texts_without_a_language_are_refused() -> None:
    with pytest.raises(ValueError, match="no column 'language'"):
        text_groups(QUESTIONS, PAIRS, ASKED.drop(columns="language"))
    with pytest.raises(ValueError, match="no column 'text'"):
        text_groups(QUESTIONS, PAIRS, ASKED, pd.DataFrame({"question": ["q"], "language": ["en"]}))
