from __future__ import annotations

import pytest

from hybridret.retrieval.words import words


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Die Straße, 1990!", ["die", "strasse", "1990"]),
        ("हिन्दी में", ["हिन्दी", "में"]),  # the vowel signs are marks, not letters
        ("東京都 Tokyo", ["東京", "京都", "tokyo"]),
        ("第1回", ["第", "1", "回"]),
        ("ﾄｳｷｮｳ", ["トウ", "ウキ", "キョ", "ョウ"]),  # half-width kana fold
        ("İstanbul ISTANBUL", ["istanbul", "istanbul"]),
        ("می\u200cخواهم soft\u00adhyphen", ["میخواهم", "softhyphen"]),
        ("Αθήνα ΑΘΗΝΑΣ", ["αθήνα", "αθηνασ"]),
        ("١٩٩٠ ①", ["١٩٩٠", "1"]),
        ("l'eau state-of-the-art", ["l", "eau", "state", "of", "the", "art"]),
        ("… — !", []),
        ("", []),
    ],
)
def test_words(text: str, expected: list[str]) -> None:
    assert words(text) == expected


def test_thai_is_split_into_bigrams_that_keep_their_marks() -> None:
    text = "ภาษาไทยที่"
    found = words(text)
    assert len(found) == len(text) - 1
    assert all(len(word) == 2 for word in found)
    assert "".join(word[0] for word in found) + found[-1][1] == text


def test_composed_and_decomposed_text_are_the_same_words() -> None:
    assert words("cafe\u0301") == words("café") == ["café"]
