"""Edits of a text, and the smallest change that flips a result, against all changes."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from hybridret.analysis.pitfalls.edits import Edit, edits_of, words_of
from hybridret.analysis.pitfalls.flips import Search, smallest_flip


@pytest.mark.parametrize(
    "text", ["Who  won in 1969?", "谁赢了2006年世界杯?", "ใครชนะที่นี่ Rome", "", " a ", "قط  أسود", "ประเทศไทยน้ำ"]
)
def test_pieces_join_to_the_text(text: str) -> None:
    assert "".join(words_of(text)) == text


def test_thai_marks_stay_on_their_letter() -> None:
    assert words_of("น้ำที่") == ["น้", "ำ", "ที่"]  # the vowel ำ is a letter of its own in Unicode


def test_every_edit_of_a_short_question() -> None:
    found = {changed: edit for edit, changed in edits_of("Is Köln old", ["Cologne", "Rome"])}
    assert found == {
        "Köln old": Edit("drop", "Is", ""),
        "Is old": Edit("drop", "Köln", ""),
        "Is Köln": Edit("drop", "old", ""),
        "Köln Is old": Edit("swap", "Is Köln", "Köln Is"),
        "Is old Köln": Edit("swap", "Köln old", "old Köln"),
        "Is Koln old": Edit("transliterate", "Köln", "Koln"),
        "Is Cologne old": Edit("replace", "Köln", "Cologne"),
        "Is Rome old": Edit("replace", "Köln", "Rome"),
    }


def test_names_that_both_have_stay() -> None:
    assert not [edit for edit, _ in edits_of("Is Rome old", ["Rome", "Paris"]) if edit.kind == "replace"]
    assert "Кто Gagarin" in [text for _, text in edits_of("Кто Гагарин")]


def test_patterns_in_names_are_letters() -> None:
    texts = [text for edit, text in edits_of(r"Is Ab-c old", [r"\1", r"\g<0>"]) if edit.kind == "replace"]
    assert texts == [r"Is \1 old", r"Is \g<0> old"]


def words_scorer(needed: Sequence[str], counted: list[int] | None = None):  # type: ignore[no-untyped-def]
    """Position 1 plus 6 for each needed word that is missing, plus 3 if the needed ones are not in their order."""

    def positions(texts: Sequence[str]) -> np.ndarray:
        if counted is not None:
            counted.append(len(texts))
        found = []
        for text in texts:
            words = text.split()
            there = [words.index(word) for word in needed if word in words]
            found.append(1 + 6 * (len(needed) - len(there)) + 3 * (there != sorted(there)))
        return np.array(found)

    return positions


def exhaustive(question: str, names: Sequence[str], scorer, search: Search) -> int | None:  # type: ignore[no-untyped-def]
    """The fewest edits of any flip, by all of them."""
    found = scorer([question])[0] <= search.cutoff
    texts = {question}
    for depth in range(1, search.depth + 1):
        texts |= {changed for text in texts for _, changed in edits_of(text, names)}
        if any((at <= search.cutoff) != found for at in scorer(sorted(texts))):
            return depth
    return None


@pytest.mark.parametrize(
    ("question", "needed", "names", "cutoff", "edits"),
    [
        ("a b c d", ["b"], [], 5, 1),
        ("a b c d", ["a", "c"], [], 10, 2),
        ("a b c d", ["b", "a"], [], 3, 1),
        ("is Rom old", ["Rome"], ["Rome", "Paris"], 3, 1),
        ("is Rom near Mailand", ["Rome", "Milan"], ["Rome", "Milan"], 5, 2),
        ("où Москва", ["Moskva", "ou"], [], 2, 3),
        ("a b", ["z"], [], 3, None),
        ("a b c", ["c", "b", "a"], [], 3, 3),
    ],
)
def test_the_smallest_flip_is_that_of_all_changes(
    question: str, needed: list[str], names: list[str], cutoff: int, edits: int | None
) -> None:
    search, scorer = Search(cutoff=cutoff, depth=3, width=60, budget=100_000), words_scorer(needed)
    found = smallest_flip(question, names, scorer, search)
    assert exhaustive(question, names, scorer, search) == edits
    assert not found.spent
    if edits is None:
        assert (found.text, found.edits, found.after) == (None, (), None)
        return
    assert len(found.edits) == edits
    assert found.text is not None
    assert (found.before <= cutoff) != (found.after <= cutoff)  # type: ignore[operator]
    assert scorer([found.text])[0] == found.after
    text = question
    for edit in found.edits:
        text = next(changed for one, changed in edits_of(text, names) if one == edit)
    assert text == found.text


def test_random_scorers_agree_at_one_edit() -> None:
    for seed in range(30):
        random = np.random.default_rng(seed)
        kept: dict[str, int] = {}

        def positions(
            texts: Sequence[str], kept: dict[str, int] = kept, random: np.random.Generator = random
        ) -> np.ndarray:
            return np.array([kept.setdefault(text, int(random.integers(1, 13))) for text in texts])

        search = Search(cutoff=10, depth=1)
        found = smallest_flip("one two three Four", ["Vier"], positions, search)
        depth = exhaustive("one two three Four", ["Vier"], positions, search)
        assert (len(found.edits) or None) == depth


def test_budget_and_batches_are_kept() -> None:
    counted: list[int] = []
    question = "a b c d e f g h"
    found = smallest_flip(question, [], words_scorer(["z"], counted), Search(cutoff=3, budget=20, batch=6))
    assert found.spent
    assert found.scored == sum(counted) == 1 + len(list(edits_of(question))) + (20 - 1 - len(list(edits_of(question))))
    assert max(counted) <= 6
    once: list[int] = []
    again = smallest_flip(question, [], words_scorer(["z"], once), Search(cutoff=3, budget=20, batch=6))
    assert (again, once) == (found, counted)


def test_no_text_is_scored_twice() -> None:
    seen: list[str] = []

    def positions(texts: Sequence[str]) -> np.ndarray:
        seen.extend(texts)
        return np.full(len(texts), 50)

    found = smallest_flip("a b c", [], positions, Search(depth=3))
    assert len(seen) == len(set(seen)) == found.scored
    assert found.before == 50
    assert found.text is None


def test_wrong_numbers_are_refused() -> None:
    with pytest.raises(ValueError, match="width must be at least 1"):
        Search(width=0)
