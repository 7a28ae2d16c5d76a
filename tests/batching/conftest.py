"""Small parallel data with what real data has: missing translations, passages with several questions, two datasets."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest
import yaml

from hybridret.base.records import ParallelPairs
from hybridret.batching.hybrid import Hybrid
from hybridret.batching.strategy import Strategy
from hybridret.config.instantiate import make

MakePairs = Callable[..., ParallelPairs]
BATCH = 8
CONF = Path(__file__).resolve().parents[2] / "conf" / "batching"
#: Every yaml of conf/batching, and a hybrid that is rarely monolingual.
STRATEGIES: dict[str, Strategy] = {
    **{path.stem: make(yaml.safe_load(path.read_text("utf-8")), "batching") for path in sorted(CONF.glob("*.yaml"))},
    "hybrid_mostly_cross": Hybrid(0.2),
}


def _make_pairs(
    name: str = "facts",
    languages: Sequence[str] = ("en", "de", "th"),
    questions: int = 60,
    present: float = 1.0,
    groups: Sequence[int] | None = None,
    seed: int = 0,
) -> ParallelPairs:
    """`present`: the chance that a question exists in a language; `groups`: the passage of each question."""
    exists = np.random.default_rng(seed).random((questions, len(languages))) < present
    texts = {
        language: [f"{language} {q}" if exists[q, column] else None for q in range(questions)]
        for column, language in enumerate(languages)
    }
    passages = np.arange(questions) if groups is None else np.asarray(groups)
    ids = tuple(f"q{q}" for q in range(questions))
    return ParallelPairs(name, tuple(languages), ids, texts, texts, passages.astype(np.int64))


@pytest.fixture(scope="session")
def make_pairs() -> MakePairs:
    return _make_pairs


@pytest.fixture(scope="session")
def datasets() -> list[ParallelPairs]:
    """Two datasets with different languages; in both, questions lack languages and share passages."""
    random = np.random.default_rng(7)
    return [
        _make_pairs("facts", ("en", "de", "th"), 90, 0.8, random.integers(0, 45, 90), seed=1),
        _make_pairs("news", ("de", "en", "zh", "ar"), 120, 0.6, random.integers(0, 60, 120) * 3 + 100, seed=2),
    ]


@pytest.fixture(params=list(STRATEGIES))
def strategy(request: pytest.FixtureRequest) -> Strategy:
    return STRATEGIES[request.param]


@pytest.fixture(scope="session")
def batch_size() -> int:
    return BATCH
