"""Truncated and unknown-token shares of the training data, for the run record."""

from __future__ import annotations

from itertools import islice

from hybridret.data.source import PairSource
from hybridret.encoders.shares import shares
from hybridret.encoders.tokenization import Tokenization

SAMPLE = 2000  # texts per language: the shares are to within a percent or two, and large data costs no minutes


def token_shares(tokenization: Tokenization, source: PairSource) -> dict[str, dict[str, float]]:
    """`shares` over the first `SAMPLE` questions and passages of each language over all training datasets."""
    queries: dict[str, list[str]] = {}
    passages: dict[str, list[str]] = {}
    for pairs in source.training():
        for language in pairs.languages:
            for side, texts in ((queries, pairs.queries), (passages, pairs.passages)):
                present = (text for text in texts[language] if text is not None)
                kept = side.setdefault(language, [])
                kept.extend(islice(present, SAMPLE - len(kept)))
    return shares(tokenization, queries, passages)
