"""Sentence splitters: hand cases, and agreement with sentences that were published."""

from __future__ import annotations

import builtins
from itertools import pairwise
from typing import Any

import pytest

from hybridret.base.errors import UserError
from hybridret.data import sentences
from hybridret.data.sentences import SPLITTERS, splitter
from hybridret.data.squad import read_squad


@pytest.mark.parametrize(
    ("language", "parts"),
    [
        ("en", ["He left.", "Why?", "No one knows!"]),
        ("en", ["J. R. Smith met the U.S. Army.", "It rained."]),
        ("en", ["It cost 3.5 dollars, i.e. little.", "Fine."]),
        ("en", ['He said "go."', "Then he went."]),
        ("en", ["He paused ... and left.", "It was 3.", "Nobody came."]),
        ("de", ["Am 3. Oktober 1990 war es so weit.", "Dann kam 1991.", "Ende."]),
        ("es", ["¿Quién vino?", "¡Nadie!", "En el 44 a.C. murió."]),
        ("ar", ["هل جاء؟", "نعم."]),
        ("ur", ["وہ آیا۔", "وہ گیا۔"]),
        ("hi", ["वह आया।", "वह गया।"]),
        ("hy", ["Նա եկավ։", "Նա գնաց։"]),
        ("am", ["መጣ።", "ሄደ።"]),
        ("en", ["no end"]),
    ],
)
def test_unicode_splits(language: str, parts: list[str]) -> None:
    text = " ".join(parts)
    assert [text[start:end] for start, end in splitter("unicode")(text, language)] == parts


@pytest.mark.parametrize("text", ["他来了。“为什么？”没有人知道！", "行った。戻った。", "आया।गया।"])
def test_no_space_is_needed_in_scripts_that_write_none(text: str) -> None:
    ranges = splitter("unicode")(text, "zh")
    assert "".join(text[start:end] for start, end in ranges) == text
    assert len(ranges) == sum(text.count(mark) for mark in "。？！।")


def test_like_lareqa_keeps_a_digit_with_the_sentence_before() -> None:
    text = "他来了。1943年他走了。她也走了。"
    assert len(splitter("unicode")(text, "zh")) == 3
    assert [text[a:b] for a, b in splitter("like_lareqa")(text, "zh")] == ["他来了。1943年他走了。", "她也走了。"]
    hindi = "वह आया।1943 में गया।"
    assert splitter("like_lareqa")(hindi, "hi") == splitter("unicode")(hindi, "hi")


@pytest.mark.parametrize("name", sorted(SPLITTERS))
@pytest.mark.parametrize("language", ["en", "ar", "zh", "vi", "zh-hant"])
def test_ranges_hold_every_character_but_white_space(name: str, language: str) -> None:
    if name == "pysbd":
        pytest.importorskip("pysbd")
    text = " First one.  Second: one?\nThird (one). 第四。第五 ! نعم؟ لا.  "
    ranges = splitter(name)(text, language)
    assert "".join("".join(text[start:end].split()) for start, end in ranges) == "".join(text.split())
    assert all(start < end and text[start:end] == text[start:end].strip() for start, end in ranges)
    assert all(one[1] <= other[0] for one, other in pairwise(ranges))
    assert splitter(name)("", language) == splitter(name)(" \n", language) == []


def test_unknown_splitter() -> None:
    with pytest.raises(UserError, match="Did you mean 'pysbd'"):
        splitter("pysdb")


def test_missing_pysbd_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    real = builtins.__import__

    def without(name: str, *others: Any, **named: Any) -> Any:
        if name.startswith("pysbd"):
            raise ImportError(name)
        return real(name, *others, **named)

    monkeypatch.setattr(builtins, "__import__", without)
    sentences._segmenter.cache_clear()
    with pytest.raises(UserError, match=r"pip install 'hybridret\[mlqa\]'"):
        splitter("pysbd")("One. Two.", "en")


def test_agreement_with_published_sentences(real_data: Any) -> None:
    """F1 of sentence ends on XQuAD-R, whose breaks LAReQA published."""

    def agreement(name: str, language: str) -> float:
        shared = total = 0
        for paragraph in read_squad(real_data / "eval" / "xquad-r" / f"{language}.json"):
            assert paragraph.breaks is not None
            published = {end for _, end in paragraph.breaks}
            ours = {end for _, end in splitter(name)(paragraph.context, language)}
            shared += len(published & ours)
            total += len(published) + len(ours)
        return 2 * shared / total

    for language in ("ar", "de", "en", "es", "hi", "vi"):
        assert agreement("like_lareqa", language) > 0.98
    assert agreement("like_lareqa", "zh") > 0.97
    assert agreement("unicode", "zh") < 0.96
