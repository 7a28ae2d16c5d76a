"""The array of code points against a loop over letters, and what counts as the same text."""

from __future__ import annotations

import unicodedata

import numpy as np
import pytest

from hybridret.data.leaks.exact import BLANK, HashIndex, text_hashes
from hybridret.data.leaks.normalise import normalised


def slowly(text: str) -> str:
    folded = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold())
    letters = []
    for letter in folded:
        category = unicodedata.category(letter)
        if category[0] in "PZ" or letter.isspace() or letter == "\0":
            letters.append(" ")
        elif category not in ("Cc", "Cf"):
            letters.append(letter)
    return " ".join("".join(letters).split())


def back(texts: list[str]) -> list[str]:
    found = normalised(texts)
    return ["".join(map(chr, found.of(i).tolist())) for i in range(len(found))]


TEXTS = [
    "", " ", "?!", "a", " a ", "Hello,  World!", "STRASSE straße", "ﬁne ﬁre", "x\u00ady", "a\0b", "\0", "a\n\tb",
    "\u200fمرحبا، العالم؟", "हिन्दी की कि", "ที่นี่", "東京、日本。", "ＡＢＣ１２３", "don't", "e\u0301te", "été",
    "👩\u200d🔬 lab", "U.S.", "\ud800x", "İstanbul", "C#", "--a--", "a" * 300, "\U000e0041tag",
]  # fmt: skip


def test_like_a_loop_over_letters() -> None:
    assert back(TEXTS) == [slowly(text) for text in TEXTS]


def test_random_texts_alone_and_together() -> None:
    random = np.random.default_rng(3)
    points = [ord(letter) for text in TEXTS for letter in text if letter != "\ud800"]
    texts = ["".join(map(chr, random.choice(points, random.integers(12)))) for _ in range(500)]
    assert back(texts) == [slowly(text) for text in texts]
    assert back(texts) == [back([text])[0] for text in texts]
    assert back([]) == []


@pytest.mark.parametrize(
    ("one", "other"),
    [("What is  Tesla?", "what is tesla"), ("ＡＢＣ", "abc"), ("Straße.", "STRASSE"), ("a\u00adb", "ab")],
)
def test_the_same_text(one: str, other: str) -> None:
    first, second = text_hashes(normalised([one, other]))
    assert first == second != BLANK


@pytest.mark.parametrize(("one", "other"), [("की", "कि"), ("a b", "ab"), ("1990", "1991"), ("ใกล้", "ไกล")])
def test_another_text(one: str, other: str) -> None:
    first, second = text_hashes(normalised([one, other]))
    assert first != second


def test_texts_of_which_nothing_is_left_equal_nothing() -> None:
    hashes = text_hashes(normalised(["", "a", "?", "A", "b"]))
    assert hashes[[0, 2]].tolist() == [BLANK, BLANK]
    index = HashIndex(hashes)
    assert len(index) == 2
    assert index.entries[[0, 2]].tolist() == [-1, -1]
    assert index.entries[1] == index.entries[3] != index.entries[4]
    assert index.find(hashes).tolist() == index.entries.tolist()
    assert HashIndex(hashes[:1]).find(hashes).tolist() == [-1] * 5
