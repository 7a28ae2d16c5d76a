from __future__ import annotations

import pytest

from hybridret.retrieval.words import words


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Die Straße, 1990!", ["die", "strasse", "1990"]),
        ("हिन्दी में", ["हिन्दी", "में"]),  # the vowel signs are marks, not letters
        ("東京都 Tokyo", ["東", "京", "都", "東京", "京都", "tokyo"]),
        ("第1回", ["第", "1", "回"]),
        ("ﾄｳｷ", ["ト", "ウ", "キ", "トウ", "ウキ"]),  # half-width kana fold
        ("수도는 K팝", ["수", "도", "는", "수도", "도는", "k", "팝"]),
        ("ไทย ที่ ก", ["ไทย", "ที่", "ก"]),
        ("أُستاذة إلى المدرســـة", ["استاذه", "الي", "المدرسه"]),  # vowel signs, filler, spellings of alef and yeh
        ("کیک يك", ["كيك", "يك"]),  # the Persian letters and the Arabic ones
        ("İstanbul ISTANBUL", ["istanbul", "istanbul"]),
        ("می\u200cخواهم soft\u00adhyphen", ["ميخواهم", "softhyphen"]),
        ("Αθήνα ΑΘΗΝΑΣ", ["αθήνα", "αθηνασ"]),
        ("١٩٩٠ ①", ["١٩٩٠", "1"]),
        ("l'eau state-of-the-art", ["l", "eau", "state", "of", "the", "art"]),
        ("… — !", []),
        ("", []),
    ],
)
def test_words(text: str, expected: list[str]) -> None:
    assert words(text) == expected


def test_thai_is_split_into_threes_that_keep_their_marks() -> None:
    text = "ภาษาไทยที่"
    found = words(text)
    assert len(found) == len(text) - 2
    assert all(len(word) == 3 for word in found)
    assert "".join(word[0] for word in found) + found[-1][1:] == text


def test_plain_text_takes_the_short_way_to_the_same_words() -> None:
    text = "".join(map(chr, range(128))) + " Don't 3.14 A_B\tC"
    assert words(text) == words(text + " é")[:-1]


def test_composed_and_decomposed_text_are_the_same_words() -> None:
    assert words("cafe\u0301") == words("café") == ["café"]
