"""Random multilingual collections with a retriever whose scores are given as a matrix."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
import pytest

from hybridret.base.progress import Progress
from hybridret.base.records import Collection, Hits
from hybridret.base.settings import EvaluationSettings

ALL = ["monolingual", "cross-lingual", "multilingual"]


@dataclass
class Given:
    """A retriever whose scores are a matrix [Q, P]; remembers the largest tile that was asked for."""

    matrix: np.ndarray
    cosine: bool = True
    indexed: list[int] = field(default_factory=list)
    largest: int = 0
    searched: list[tuple[int, int, int]] = field(default_factory=list)
    only_above: float | None = None

    def search(
        self, collection: Collection, queries: np.ndarray, first: int, last: int, k: int, progress: Progress
    ) -> Hits:
        self.searched.append((first, last, k))
        ties = collection.tie_order[first:last]
        scores = self.matrix[queries, first:last]
        order = np.array([np.lexsort((ties, -row)) for row in scores])[:, :k].reshape(len(queries), -1)
        hits = Hits(order + first, np.take_along_axis(scores, order, axis=1))
        if self.only_above is not None:  # as BM25: what shares no word with the query is no hit
            hits.passages[hits.scores <= self.only_above] = -1
            hits.scores[hits.passages < 0] = -np.inf
        return hits

    def notes(self) -> dict[str, str]:
        return {"index": "given"}

    def pair_scores(
        self, collection: Collection, queries: np.ndarray, passages: np.ndarray, progress: Progress
    ) -> np.ndarray:
        return self.matrix[queries, passages]

    def cross_scores(
        self, collection: Collection, queries: np.ndarray, passages: np.ndarray, progress: Progress
    ) -> np.ndarray:
        return self.matrix[np.ix_(queries, passages)]

    def index(self, collection: Collection, passages: np.ndarray, progress: Progress) -> Part:
        self.indexed.append(len(passages))
        return Part(self, passages)


@dataclass
class Part:
    whole: Given
    passages: np.ndarray

    @property
    def partial(self) -> bool:
        return self.whole.only_above is not None

    def scores(self, queries: np.ndarray) -> np.ndarray:
        part = self.whole.matrix[np.ix_(queries, self.passages)]
        self.whole.largest = max(self.whole.largest, part.size)
        return part if self.whole.only_above is None else np.where(part > self.whole.only_above, part, -np.inf)


def random_collection(seed: int, languages: int = 3, max_judged: int = 3) -> Collection:
    """Questions that miss some languages; 0 to `max_judged` graded passages in each language; passages interleaved."""
    rng = np.random.default_rng(seed)
    names = ("en", "nan", "zh-hant", "tr")[:languages]
    rows = [(question, language) for question in range(9) for language in range(languages) if rng.random() < 0.85]
    rows = [rows[i] for i in rng.permutation(len(rows))]
    passages = 50
    passage_languages = rng.integers(0, languages, passages)
    answers = {
        question: np.concatenate(
            [
                rng.permutation(np.flatnonzero(passage_languages == one))[: rng.integers(0, max_judged + 1)]
                for one in range(languages)
            ]
        )
        for question in range(9)
    }
    relevant = [(query, int(passage)) for query, (question, _) in enumerate(rows) for passage in answers[question]]
    return Collection(
        name="toy",
        languages=names,
        query_ids=tuple(f"q{i}" for i in range(len(rows))),
        queries=[""] * len(rows),
        query_languages=np.array([language for _, language in rows]),
        questions=np.array([question for question, _ in rows]),
        passage_ids=tuple(f"{'aZé'[i % 3]}{i}" for i in range(passages)),
        passages=[""] * passages,
        passage_languages=passage_languages,
        relevant_queries=np.array([query for query, _ in relevant]),
        relevant_passages=np.array([passage for _, passage in relevant]),
        grades=rng.integers(1, 3, len(relevant)),
    )


@pytest.fixture
def make_collection() -> Callable[..., Collection]:
    return random_collection


@pytest.fixture
def given() -> type[Given]:
    return Given


@pytest.fixture
def settings() -> EvaluationSettings:
    return EvaluationSettings(
        32,
        list(ALL),
        [1, 10],
        0.05,
        8,
        "fp32",
        full_ranks=200_000,
        depth=1000,
        cache=None,
        cache_from=50_000,
        vectors="float32",
        trec=False,
        mteb=False,
    )
