"""Small training sets and benchmarks with planted copies."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pytest

from hybridret.base.records import Collection, ParallelPairs
from hybridret.base.settings import LeakSettings
from hybridret.data.leaks.check import leak_table
from hybridret.data.leaks.table import LeakTable

Texts = Mapping[str, Sequence[str | None]]
MakePairs = Callable[..., ParallelPairs]
MakeCollection = Callable[..., Collection]
SETTINGS = LeakSettings(check=True, allowed=1.0, threshold=0.8, permutations=128, near_up_to=None)
WORDS = ("river", "stone", "cloud", "paper", "window", "garden", "silver", "winter", "letter", "market", "bridge")


@dataclass(frozen=True)
class Source:
    """A pair source of these datasets; nothing is held out."""

    datasets: tuple[ParallelPairs, ...]
    templated: bool = False

    def training(self) -> tuple[ParallelPairs, ...]:
        return self.datasets

    def validation(self) -> ParallelPairs:
        return self.datasets[0]

    def test(self) -> tuple[Collection, ...]:
        return ()

    def texts(self) -> Iterable[str]:
        return ()

    def fingerprint(self) -> str:
        return "f"

    def licence(self) -> str:
        return "l"


@pytest.fixture
def make_pairs() -> MakePairs:
    """`make_pairs(name, queries, passages, ids=None, groups=None)`: texts by language."""

    def make(
        name: str, queries: Texts, passages: Texts, ids: Sequence[str] | None = None, groups: object = None
    ) -> ParallelPairs:
        count = len(next(iter(queries.values())))
        numbers = np.arange(count) if groups is None else np.array(groups)
        chosen = tuple(ids) if ids else tuple(f"t{i}" for i in range(count))
        return ParallelPairs(name, tuple(queries), chosen, queries, passages, numbers)

    return make


@pytest.fixture
def make_collection() -> MakeCollection:
    """`make_collection(name, queries, passages, ids=None, extra=())`: question i has passage i in each language.

    `extra` are passages of the first language that nobody asks for."""

    def make(
        name: str,
        queries: Mapping[str, Sequence[str]],
        passages: Mapping[str, Sequence[str]],
        ids: Sequence[str] | None = None,
        extra: Sequence[str] = (),
        contexts: Sequence[str] | None = None,
    ) -> Collection:
        languages, count = tuple(queries), len(next(iter(queries.values())))
        chosen = ids or [f"b{i}" for i in range(count)]
        wide = len(languages)
        return Collection(
            name=name,
            languages=languages,
            query_ids=[f"{language}:{one}" for language in languages for one in chosen],
            queries=[text for language in languages for text in queries[language]],
            query_languages=np.repeat(np.arange(wide), count),
            questions=np.tile(np.arange(count), wide),
            passage_ids=[f"p{i}" for i in range(wide * count + len(extra))],
            passages=[*(text for language in languages for text in passages[language]), *extra],
            passage_languages=np.concatenate([np.repeat(np.arange(wide), count), np.zeros(len(extra), dtype=int)]),
            relevant_queries=np.repeat(np.arange(wide * count), wide),
            relevant_passages=np.concatenate([np.arange(wide) * count + i for _ in languages for i in range(count)]),
            grades=np.ones(wide * wide * count, dtype=np.int64),
            contexts=contexts,
        )

    return make


@pytest.fixture
def passage() -> Callable[[int], str]:
    """`passage(seed)`: 60 words that no other seed gives in this order."""

    def write(seed: int) -> str:
        random = np.random.default_rng(seed)
        return " ".join(f"{random.choice(WORDS)}{random.integers(100)}" for _ in range(60)) + "."

    return write


@pytest.fixture
def look() -> Callable[..., LeakTable]:
    """`look(datasets, collections, templated=False, **settings)`: the table of a source of these datasets."""

    def find(
        datasets: Sequence[ParallelPairs], collections: Sequence[Collection], templated: bool = False, **changed: object
    ) -> LeakTable:
        settings = dataclasses.replace(SETTINGS, **changed)
        return leak_table(Source(tuple(datasets), templated), collections, settings)

    return find
