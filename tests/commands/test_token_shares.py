"""Shares of what is trained on: sampled before texts are read, the same as from all texts."""

from __future__ import annotations

from typing import Any, cast

import numpy as np
import pytest

from hybridret.base.records import ParallelPairs
from hybridret.pipelines import token_shares
from hybridret.pipelines.token_shares import training_lengths, training_shares


class Source:
    """Two datasets that share a language; questions lack languages, and one dataset lacks a language as a whole."""

    def training(self) -> tuple[ParallelPairs, ...]:
        random = np.random.default_rng(4)
        made = []
        for name, languages in (("a", ("en", "de")), ("b", ("de", "th")), ("c", ("en",))):
            texts = {
                language: [f"{name} {language} {row}" if random.random() < 0.6 else None for row in range(97)]
                for language in languages
            }
            made.append(ParallelPairs(name, languages, tuple(map(str, range(97))), texts, texts, np.arange(97)))
        return tuple(made)


@pytest.mark.parametrize("sample", [1, 7, 50, 10**6])
def test_the_sample_is_that_of_all_texts(sample: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(token_shares, "SAMPLE", sample)
    monkeypatch.setattr(token_shares, "shares", lambda _, queries, passages: {"queries": queries, "passages": passages})
    source = cast(Any, Source())
    every: dict[str, list[str]] = {}
    for pairs in source.training():
        for language in pairs.languages:
            every.setdefault(language, []).extend(text for text in pairs.queries[language] if text is not None)
    slow = {language: texts[:: max(1, -(-len(texts) // sample))] for language, texts in every.items()}
    assert training_shares(cast(Any, None), source) == {"queries": slow, "passages": slow}


class Letters:
    """A tokenization whose tokens are letters."""

    def untruncated(self, texts: list[str]) -> list[list[int]]:
        return [[0] * len(text) for text in texts]


def test_lengths_are_those_of_the_sample(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(token_shares, "SAMPLE", 10**6)
    found = training_lengths(cast(Any, Letters()), cast(Any, Source()))
    assert found["sample"] == 10**6
    assert set(found["languages"]) == {"en", "de", "th"}
    thai = [text for text in cast(Any, Source()).training()[1].queries["th"] if text is not None]
    for side in ("question", "passage"):
        lengths = found["languages"]["th"][side]
        assert (lengths["texts"], lengths["max"]) == (len(thai), len("b th 96"))
        assert lengths["mean"] == round(sum(map(len, thai)) / len(thai), 2)
