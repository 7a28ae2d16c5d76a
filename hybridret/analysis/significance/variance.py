"""Where the uncertainty of a difference comes from, questions and seeds, and the interval that follows.

A mean over S seeds and n questions moves with the questions, with the seeds, and with seeds that answer single
questions differently (interaction): variance Q/n + s/S + e/(n S). The spread over questions of seed averages holds the
first and the third part, the spread over seeds of means the second and the third; so the third is taken off once. The
degrees of freedom of the interval are those of Satterthwaite (1946), as in Welch's test.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import chdtri, stdtr, stdtrit

from hybridret.analysis.significance.system_values import SystemValues


@dataclass(frozen=True)
class Spread:
    """Variances of differences, by source, each [comparisons, targets].

    questions: of the difference of seed averages, over questions. seeds_a, seeds_b: of each mean over its seeds,
    interaction included; 0 where the seeds do not spread or only one is there. interaction_a, interaction_b: the share
    of both `questions` and `seeds_a`, `seeds_b` that is of single questions.
    count: questions [targets]. runs_a, runs_b: seeds [comparisons].
    """

    questions: NDArray[np.float64]
    seeds_a: NDArray[np.float64]
    seeds_b: NDArray[np.float64]
    interaction_a: NDArray[np.float64]
    interaction_b: NDArray[np.float64]
    count: NDArray[np.int64]
    runs_a: NDArray[np.int64]
    runs_b: NDArray[np.int64]

    @property
    def of_seeds(self) -> NDArray[np.float64]:
        """What of the variance more questions would not take away: [comparisons, targets]."""
        a, b = self.seeds_a - self.interaction_a, self.seeds_b - self.interaction_b
        return np.maximum(a, 0.0) + np.maximum(b, 0.0)

    @property
    def total(self) -> NDArray[np.float64]:
        """Variance of the difference: [comparisons, targets]. NaN for a single question."""
        return self.questions + self.of_seeds

    @property
    def freedom(self) -> NDArray[np.float64]:
        """Degrees of freedom (Satterthwaite): [comparisons, targets], at least 1."""
        return satterthwaite(
            self.total,
            (self.questions, np.maximum(self.count - 1, 1)),
            (self.seeds_a, np.maximum(self.runs_a - 1, 1)[:, None]),
            (self.seeds_b, np.maximum(self.runs_b - 1, 1)[:, None]),
        )


def satterthwaite(
    total: NDArray[np.float64], *parts: tuple[NDArray[np.float64], NDArray[np.int64]]
) -> NDArray[np.float64]:
    """total^2 / sum of part^2 / degrees of freedom of the part, at least 1; 1 where nothing varies."""
    squares = np.zeros_like(total)
    for variance, freedom in parts:
        squares = squares + variance**2 / freedom
    return np.maximum(total**2 / np.where(squares > 0, squares, np.inf), 1.0)


def spread(systems: SystemValues, pairs: NDArray[np.int64]) -> Spread:
    """The variances of all comparisons `pairs` [comparisons, 2] of systems."""
    count = systems.questions
    shape = (len(pairs), len(count))
    over_questions = np.empty(shape)
    for i, (a, b) in enumerate(pairs):
        over_questions[i] = ((systems.influence[a] - systems.influence[b]) ** 2).sum(axis=0)
    enlarged = np.where(count > 1, count / np.maximum(count - 1, 1), np.nan)
    seeds, interaction = np.nan_to_num(systems.seed_variance), np.nan_to_num(systems.interaction)
    a, b = pairs.T
    return Spread(
        questions=over_questions * enlarged,
        seeds_a=seeds[a],
        seeds_b=seeds[b],
        interaction_a=interaction[a],
        interaction_b=interaction[b],
        count=count,
        runs_a=systems.seeds[a],
        runs_b=systems.seeds[b],
    )


def t_interval(
    difference: NDArray[np.float64],
    variance: NDArray[np.float64],
    freedom: NDArray[np.float64],
    level: float = 0.05,
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Lower and upper end of the interval with coverage 1 - level, shaped as `difference`."""
    half = stdtrit(freedom, 1.0 - level / 2.0) * np.sqrt(variance)
    return difference - half, difference + half


def p_with_seeds(difference: NDArray[np.float64], parts: Spread) -> NDArray[np.float64]:
    """Two-sided p of a difference of 0 [comparisons, targets], for families of tests: `p_over_spreads`."""
    of_seeds, interaction = parts.seeds_a + parts.seeds_b, parts.interaction_a + parts.interaction_b
    freedom = seed_freedom(
        ((parts.seeds_a > 0, parts.runs_a[:, None]), (parts.seeds_b > 0, parts.runs_b[:, None])), difference.shape
    )
    degrees = np.maximum(parts.count - 1, 1).astype(float)
    return p_over_spreads(difference, parts.questions, degrees, of_seeds, interaction, freedom)


def p_over_spreads(
    difference: NDArray[np.float64],
    questions: NDArray[np.float64],
    degrees: NDArray[np.float64],
    of_seeds: NDArray[np.float64],
    interaction: NDArray[np.float64],
    freedom: NDArray[np.float64],
) -> NDArray[np.float64]:
    """Two-sided p of a difference of 0; all arrays broadcast to the shape of `difference`.

    questions, degrees: the variance over questions and its degrees of freedom. of_seeds, freedom: that over seeds, the
    `interaction` included, which stands in `questions` too.

    Degrees of freedom that come from the data let two seeds that happen to agree look certain: at p = .001 there were
    up to 8 times as many false positives as there should be. Here the degrees of freedom f are those of the numbers of
    seeds alone, and p is the mean over all spreads of seeds that the observed one allows (a generalized p, Tsui and
    Weerahandi 1989): observed spread * f / chi2(f), less the interaction.
    """
    found = np.zeros(difference.shape)
    for share, weight in zip(_SHARES, _WEIGHTS, strict=True):
        inverse = freedom / chdtri(freedom, 1.0 - share)  # chdtri takes the upper tail
        variance = questions + np.maximum(of_seeds * inverse - interaction, 0.0)
        found += weight * t_p(difference, variance, degrees)
    return np.minimum(found, 1.0)


# Quantiles of chi2, closer to each other where it is small and the spread large, since the tail of p comes from there.
_EDGES = np.concatenate([[0.0], np.logspace(-10, -1, 64), np.linspace(0.1, 1.0, 31)[1:]])
_SHARES, _WEIGHTS = (_EDGES[1:] + _EDGES[:-1]) / 2.0, np.diff(_EDGES)


def seed_freedom(
    parts: Sequence[tuple[NDArray[np.bool_], NDArray[np.int64]]],
    shape: tuple[int, ...],
    scales: Sequence[float] | None = None,
) -> NDArray[np.float64]:
    """Degrees of freedom of the variance over seeds, if the seeds of all spread equally: of `shape`.

    parts: of each configuration whether its seeds spread at all (what has no seed, such as BM25, gives the same values
    however often it is run, and says nothing of the spread of others), and how many it has. scales: what its mean is
    multiplied by, 1 without. 2 (S - 1) for two with S seeds each, else as in Welch's test; 1 without any.
    """
    total, squares = np.zeros(shape), np.zeros(shape)
    for (spreads, runs), scale in zip(parts, scales or [1.0] * len(parts), strict=True):
        one = np.where(spreads & (runs > 1), scale**2 / runs, 0.0)
        total = total + one
        squares = squares + one**2 / np.maximum(runs - 1, 1)
    return np.where(squares > 0, total**2 / np.where(squares > 0, squares, 1.0), 1.0)


def t_p(
    difference: NDArray[np.float64], variance: NDArray[np.float64], freedom: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Two-sided p of a difference of 0, shaped as `difference`; 1 where nothing varies and nothing differs."""
    with np.errstate(divide="ignore", invalid="ignore"):
        t = np.abs(difference) / np.sqrt(variance)
    p: NDArray[np.float64] = 2.0 * stdtr(freedom, -t)
    return np.where((variance == 0) & (difference == 0), 1.0, p)
