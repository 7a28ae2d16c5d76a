"""Made sweeps in which it is known which questions are lost."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import permutations

import numpy as np
import pandas as pd

from hybridret.analysis.pitfalls.groups import Group
from hybridret.analysis.pitfalls.lost import LostQuestions
from hybridret.analysis.question_values import QuestionValues

LANGUAGES = ("ar", "de", "en", "es", "ru", "th", "tr", "zh")


def pairs_of(languages: Sequence[str] = LANGUAGES) -> tuple[tuple[str, str], ...]:
    return tuple(permutations(languages, 2))


def made(
    seed: int,
    questions: int = 120,
    languages: Sequence[str] = LANGUAGES,
    added: np.ndarray | float = 0.0,
    hard: np.ndarray | None = None,
    found: float = 0.9,
    name: str = "a",
) -> LostQuestions:
    """One run. A question is hard or easy in all pairs at once, so its cells depend on each other; `added` [Q, P] is
    added to the logit of being lost, -1 on average."""
    random = np.random.default_rng(seed)
    pairs = pairs_of(languages)
    shape = (questions, len(pairs))
    hard = random.normal(0, 1.5, questions) if hard is None else hard
    home = {language: random.random(questions) < found for language in languages}
    own = np.stack([home[query] for query, _ in pairs], axis=1).astype(float)
    logit = -1 + hard[:, None] + random.normal(0, 0.4, len(pairs)) + added
    away = random.random(shape) > 1 / (1 + np.exp(-logit))
    lost = ((own > 0) & ~away).astype(float)
    gained = ((own == 0) & away & (random.random(shape) < 0.2)).astype(float)
    names = tuple(f"q{number:04d}" for number in range(questions))
    return LostQuestions(name, names, pairs, 1, own, lost, gained)


def marked(member: np.ndarray, pairs: int, title: str = "g", feature: str = "f") -> Group:
    """A group of whole questions."""
    whole = np.broadcast_to(member[:, None], (len(member), pairs))
    return Group(feature, title, whole, np.ones(whole.shape, dtype=bool), "question")


def values(
    seed: int, setting: str, runs: Sequence[tuple[str, str, str]], questions: int = 12, missing: bool = True
) -> QuestionValues:
    """MRR@10 of (run, configuration, seed), three languages; some questions are not asked."""
    random = np.random.default_rng(seed)
    languages = ("de", "en", "th")
    cells = [(x, x) for x in languages] if setting == "monolingual" else list(permutations(languages, 2))
    found = np.where(random.random((len(runs), questions, len(cells))) < 0.6, 0.5, 0.0)
    if missing:
        found[:, 1, [i for i, (query, _) in enumerate(cells) if query == "th"]] = np.nan
    return QuestionValues(
        "d", setting, "mrr", 10, found, tuple(run for run, *_ in runs),
        tuple(f"q{number}" for number in range(questions)), tuple(cells),
        tuple(name for _, name, _ in runs), tuple(one for *_, one in runs),
    )  # fmt: skip


def texts(rows: Sequence[tuple[str, str, str]]) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=["question", "language", "text"])
