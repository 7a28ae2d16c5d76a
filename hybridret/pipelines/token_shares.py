"""What tokenisation does to the texts that a model reads: shares that are cut or unknown, and lengths, for the run
record.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import numpy as np

from hybridret.base.records import Collection
from hybridret.data.prepared.lengths import Lengths
from hybridret.data.prepared.stored_pairs import questions_in
from hybridret.data.source import PairSource
from hybridret.encoders.shares import shares

if TYPE_CHECKING:
    from hybridret.encoders.tokenization import Tokenization

SAMPLE = 2000  # texts per language, evenly spaced: shares to within a percent or two, in a short time on large data


def training_shares(tokenization: Tokenization, source: PairSource) -> dict[str, dict[str, float]]:
    """`shares` of the questions and passages that are trained on, per language."""
    return _sampled(tokenization, *_training_sample(source))


def training_lengths(tokenization: Tokenization, source: PairSource) -> dict[str, Any]:
    """`languages`: by language and side (`question`, `passage`) the `Lengths` in tokens of the bare, uncut texts that
    are trained on, without prefix and special tokens; `sample`: up to this many, evenly spaced, in each language.
    """
    queries, passages = (
        {language: _lengths(tokenization, _spaced(texts)) for language, texts in side.items()}
        for side in _training_sample(source)
    )
    found = {one: {"question": queries[one], "passage": passages[one]} for one in queries}
    return {"sample": SAMPLE, "languages": found}


def _lengths(tokenization: Tokenization, texts: list[str]) -> dict[str, float] | None:
    found = Lengths.of([np.array([len(ids) for ids in tokenization.untruncated(texts)], dtype=np.int64)])
    return None if found is None else found.record()


def _training_sample(source: PairSource) -> tuple[dict[str, list[str]], dict[str, list[str]]]:
    """Questions and passages by language."""
    queries: dict[str, list[str]] = {}
    passages: dict[str, list[str]] = {}
    datasets = source.training()
    for language in dict.fromkeys(language for pairs in datasets for language in pairs.languages):
        # Sampled before reading: millions of pairs are on disk.
        spoken = [pairs for pairs in datasets if language in pairs.languages]
        own = [questions_in(pairs, pairs.languages.index(language)) for pairs in spoken]
        ends = np.cumsum([one.count for one in own])
        for position in _spaced(range(int(ends[-1]))):
            number = int(np.searchsorted(ends, position, side="right"))
            at = int(position - ends[number]) + own[number].count
            row = int(own[number].part(at, at + 1)[0])
            queries.setdefault(language, []).append(str(spoken[number].queries[language][row]))
            passages.setdefault(language, []).append(str(spoken[number].passages[language][row]))
    return queries, passages


def collection_shares(tokenization: Tokenization, collections: Iterable[Collection]) -> dict[str, dict[str, float]]:
    """`shares` of the queries and passages of benchmarks, per language; contexts may be cut and do not count."""
    queries: dict[str, list[str]] = {}
    passages: dict[str, list[str]] = {}
    for collection in collections:
        for side, texts, spoken in (
            (queries, collection.queries, collection.query_languages),
            (passages, collection.passages, collection.passage_languages),
        ):
            for index, language in enumerate(collection.languages):
                # Sampled before reading: a large corpus is on disk.
                positions = _spaced(np.flatnonzero(spoken == index))
                side.setdefault(language, []).extend(texts[position] for position in positions.tolist())
    return _sampled(tokenization, queries, passages)


def _sampled(
    tokenization: Tokenization, queries: dict[str, list[str]], passages: dict[str, list[str]]
) -> dict[str, dict[str, float]]:
    return shares(
        tokenization,
        {language: _spaced(texts) for language, texts in queries.items()},
        {language: _spaced(texts) for language, texts in passages.items()},
    )


def _spaced(texts: Any) -> Any:
    """Every n-th of a list or an array, at most `SAMPLE`."""
    return texts[:: max(1, -(-len(texts) // SAMPLE))]
