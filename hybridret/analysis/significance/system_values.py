"""What every question adds to the averages of every configuration, and how these averages move from seed to seed.

A target is an average that is compared: the macro average, or the mean of one cell (a language or a language pair).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hybridret.analysis.question_values import QuestionValues


@dataclass(frozen=True)
class SystemValues:
    """Configurations by targets, seeds averaged within each question.

    names: the configurations; seeds: how many runs each has [systems].
    mean: the targets [systems, targets].
    contributions: [systems, questions, targets]; their sum over questions is `mean`.
    influence: [systems, questions, targets]; how far a question lies from the means of its cells, with the weight that
        it has in the target. Sums to 0 over questions; equals `contributions - mean / questions` where every question
        is asked in every cell.
    seed_variance: variance of `mean` over seeds, as sample variance / seeds [systems, targets]; NaN with one seed.
    interaction: the part of it that comes from seeds answering single questions differently, which more questions
        would average away; NaN with one seed.
    questions: how many questions each target rests on [targets].
    """

    names: tuple[str, ...]
    seeds: NDArray[np.int64]
    mean: NDArray[np.float64]
    contributions: NDArray[np.float64]
    influence: NDArray[np.float64]
    seed_variance: NDArray[np.float64]
    interaction: NDArray[np.float64]
    questions: NDArray[np.int64]


def system_values(values: QuestionValues, by_cell: bool = False) -> SystemValues:
    """The macro average as the one target, or with `by_cell` every cell as a target.

    One configuration is worked on at a time: beside the result, memory is a few times that of its runs.
    """
    asked = values.asked
    in_cell = asked.sum(axis=0)
    shares = np.where(asked, 1.0 / np.maximum(in_cell, 1), 0.0)
    weights = values.weights
    parts = [_system(values.of(name), asked, shares, None if by_cell else weights) for name in values.names]
    mean, contributions, influence, seed_variance, interaction = (np.stack(one) for one in zip(*parts, strict=True))
    questions = in_cell if by_cell else np.array([asked.any(axis=1).sum()])
    return SystemValues(
        names=values.names,
        seeds=np.array([values.configurations.count(name) for name in values.names]),
        mean=mean,
        contributions=contributions,
        influence=influence,
        seed_variance=seed_variance,
        interaction=interaction * (questions / np.maximum(questions - 1, 1)),
        questions=questions,
    )


def variance_of_mean(totals: NDArray[np.float64]) -> NDArray[np.float64]:
    """Of values [seeds, ...]: sample variance / seeds [...]; 0, and not how sums are rounded, where they are equal."""
    same = np.ptp(totals, axis=0) <= 1e-12 * np.abs(totals).max(axis=0)
    return np.where(same, 0.0, totals.var(axis=0, ddof=1) / len(totals))


def _system(
    runs: NDArray[np.float64],
    asked: NDArray[np.bool_],
    shares: NDArray[np.float64],
    weights: NDArray[np.float64] | None,
) -> tuple[NDArray[np.float64], ...]:
    """Of the runs [seeds, questions, cells] of one configuration; `weights` sums the cells to the macro average."""
    known = np.where(asked, runs, 0.0)
    means = np.einsum("rqc,qc->rc", known, shares)  # of each run in each cell
    if weights is None:
        contributions = known * shares
        influence = contributions - means[:, None, :] * shares
    else:
        contributions = np.einsum("rqc,qc->rq", known, weights)[:, :, None]
        influence = contributions - (means @ weights.T)[:, :, None]
    seeds = len(runs)
    totals = contributions.sum(axis=1)  # [seeds, targets]
    center = influence.mean(axis=0)
    if seeds == 1:
        unknown = np.full(totals.shape[1], np.nan)
        return totals[0], contributions[0], center, unknown, unknown
    seed_variance = variance_of_mean(totals)
    interaction = ((influence - center) ** 2).sum(axis=(0, 1)) / (seeds * (seeds - 1))
    return totals.mean(axis=0), contributions.mean(axis=0), center, seed_variance, interaction
