"""Texts in pieces and together again; batches by length."""

from __future__ import annotations

import random

import pytest

from hybridret.base.progress import Quiet
from hybridret.translation.batches import batches_by_length
from hybridret.translation.engines.engine import Translation
from hybridret.translation.pieces import pieces_of
from hybridret.translation.text_translation import translate_texts

TEXT = "The castle, which is old, stands there. Who built it?\n\nNobody knows: it was long ago, before the war. 1943!"


@pytest.mark.parametrize("most", [3, 10, 25, 1000])
def test_no_character_is_lost(most: int) -> None:
    found = pieces_of(TEXT, "en", lambda piece: len(piece) <= most)
    assert all(len(piece) <= most for piece in found.texts)
    whole = "".join(gap + text for gap, text in zip(found.gaps, (*found.texts, ""), strict=True))
    assert whole == TEXT
    assert all(not gap.strip() for gap in found.gaps)


def test_sentences_are_joined_as_the_target_writes_them() -> None:
    found = pieces_of("One. Two.\nThree.", "en", lambda piece: True)
    assert found.texts == ("One.", "Two.", "Three.")
    assert found.joined(["Eins.", " Zwei. ", "Drei."], "de") == "Eins. Zwei.\nDrei."
    assert found.joined(["一。", "二。", "三。"], "zh") == "一。二。\n三。"
    assert pieces_of("一。二。", "zh", lambda piece: True).joined(["One.", "Two."], "en") == "One. Two."


def test_a_long_sentence_is_cut_at_a_mark_then_a_space_then_anywhere() -> None:
    assert pieces_of("aa bb, cc dd", "en", lambda piece: len(piece) < 8).texts == ("aa bb,", "cc dd")
    assert pieces_of("aaaa bbbb", "en", lambda piece: len(piece) < 8).texts == ("aaaa", "bbbb")
    assert pieces_of("ก" * 10, "th", lambda piece: len(piece) < 8).texts == ("ก" * 5, "ก" * 5)


def test_batches_hold_every_piece_once_and_keep_the_budget() -> None:
    draw = random.Random(1)
    lengths = [draw.randint(1, 60) for _ in range(500)] + [300]
    batches = batches_by_length(lengths, 200)
    assert sorted(index for batch in batches for index in batch) == list(range(len(lengths)))
    assert all(max(lengths[index] for index in batch) * len(batch) <= 200 for batch in batches[1:])
    assert batches[0] == [500]  # longer than the budget: alone
    padding = sum(max(lengths[i] for i in batch) * len(batch) for batch in batches) / sum(lengths)
    assert padding < 1.1


class Marking:
    """An engine that marks each piece with the number of its call."""

    limit = 20

    def __init__(self) -> None:
        self.calls: list[list[str]] = []

    def size(self, piece: str) -> int:
        return len(piece)

    def translate(self, pieces: list[str]) -> list[Translation]:
        self.calls.append(list(pieces))
        return [Translation(f"<{piece}>", "cut" in piece) for piece in pieces]


def test_texts_come_back_in_order_with_each_piece_translated_once() -> None:
    engine = Marking()
    texts = ["One. Two.", "Two.", "One. cut.", "a"]
    with Quiet().task("", None) as advance:
        found = translate_texts(texts, "en", "de", engine, 10, advance)
    assert [one.text for one in found] == ["<One.> <Two.>", "<Two.>", "<One. cut.>", "<a>"]
    assert [one.truncated for one in found] == [False, False, True, False]
    pieces = [piece for call in engine.calls for piece in call]
    assert len(pieces) == len(set(pieces))


class Losing(Marking):
    """An engine that writes nothing for some pieces."""

    def translate(self, pieces: list[str]) -> list[Translation]:
        return [Translation(" " if "lost" in piece or piece == "1." else f"<{piece}>", False) for piece in pieces]


def test_a_text_that_lacks_a_sentence_is_truncated() -> None:
    """Of a long text no filter would see it: the length hardly changes."""
    with Quiet().task("", None) as advance:
        found = translate_texts(["One. It is lost. Two.", "One. ... Two."], "en", "de", Losing(), 10, advance)
    assert [one.truncated for one in found] == [True, False]
