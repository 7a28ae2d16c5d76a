"""Simulated values of questions whose truth is known."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from hybridret.analysis.question_values import QuestionValues


def values_of(
    configurations: Mapping[str, np.ndarray], asked: np.ndarray | None = None, better: int = 1
) -> QuestionValues:
    """From [seeds, questions, cells] of each configuration; NaN where `asked` [questions, cells] is not."""
    values = np.concatenate(list(configurations.values())).astype(float)
    if asked is not None:
        values[:, ~asked] = np.nan
    names = [name for name, own in configurations.items() for _ in own]
    seeds = [str(seed) for own in configurations.values() for seed in range(len(own))]
    return QuestionValues(
        "d",
        "cross-lingual",
        "map",
        0,
        values=values,
        runs=tuple(f"{name}-{seed}" for name, seed in zip(names, seeds, strict=True)),
        questions=tuple(f"q{i}" for i in range(values.shape[1])),
        cells=tuple((f"x{i}", f"y{i}") for i in range(values.shape[2])),
        configurations=tuple(names),
        seeds=tuple(seeds),
        better=better,
    )


def simulated(
    random: np.random.Generator,
    effects: Mapping[str, float],
    seeds: Mapping[str, int] | int,
    questions: int = 120,
    cells: int = 2,
    of_seeds: float = 0.0,
    interaction: float = 0.1,
    of_questions: float = 0.1,
    skewed: bool = False,
) -> QuestionValues:
    """Effect of the configuration + hardness of the question (shared) + its own ease for the configuration
    (`of_questions`, shared by all cells) + seed (`of_seeds`) + seed by question (`interaction`) + noise of cells, all
    standard deviations."""

    def normal(scale: float, *shape: int) -> np.ndarray:
        if skewed and scale:
            return scale * (random.exponential(1.0, shape) - 1.0)
        return random.normal(0.0, scale, shape) if scale else np.zeros(shape)

    hard = random.normal(0.0, 0.3, (1, questions, 1))
    found = {}
    for name, effect in effects.items():
        count = seeds if isinstance(seeds, int) else seeds[name]
        found[name] = (
            effect
            + hard
            + normal(of_questions, 1, questions, 1)
            + (random.normal(0.0, of_seeds, (count, 1, 1)) if of_seeds else 0.0)
            + normal(interaction, count, questions, 1)
            + random.normal(0.0, 0.05, (count, questions, cells))
        )
    return values_of(found)
