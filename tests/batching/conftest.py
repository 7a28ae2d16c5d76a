"""Small parallel data with what real data has: missing translations, passages with several questions, two datasets."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest
from omegaconf import OmegaConf

from hybridret.base.records import ParallelPairs
from hybridret.batching.cross import Cross
from hybridret.batching.curriculum import Curriculum
from hybridret.batching.hybrid import Hybrid
from hybridret.batching.mono import Mono
from hybridret.batching.strategy import Strategy
from hybridret.config.instantiate import make

sys.path.insert(0, str(Path(__file__).parent))  # tests of this folder import its slow twins

MakePairs = Callable[..., ParallelPairs]
BATCH = 8
CONF = Path(__file__).resolve().parents[2] / "conf" / "batching"


def _of_yaml(path: Path) -> Strategy:
    """The plug-in of a yaml in a training of 600 steps, half of what tests look at."""
    config = OmegaConf.create({"training": {"steps": 600}, "batching": OmegaConf.load(path)})
    made: Strategy = make(OmegaConf.to_container(config.batching, resolve=True), "batching")
    return made


#: Every yaml of conf/batching, and what its keys can do.
STRATEGIES: dict[str, Strategy] = {
    **{path.stem: _of_yaml(path) for path in sorted(CONF.glob("*.yaml"))},
    "hybrid_mostly_cross": Hybrid(0.2),
    "mono_in_proportion": Mono(1.0),
    "cross_english": Cross("english"),
    "cross_weighted": Cross({"en-de": 2, "de-en": 1, "de-zh": 0.5}),
    "hybrid_script": Hybrid(0.5, 0.5, "script"),
    "curriculum_there_and_back": Curriculum("cosine", 0.9, 0.2, 1, 500, 0.3, ["en-de", "ar-de"]),
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
