"""Differences of targets with interval and p, for all comparisons at once."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from hybridret.analysis.significance.randomization import randomization_test
from hybridret.analysis.significance.system_values import SystemValues
from hybridret.analysis.significance.variance import Spread, p_with_seeds, spread, t_interval


@dataclass(frozen=True)
class Differences:
    """a minus b, each [comparisons, targets].

    low, high: the t interval. p_questions: of the randomization test, about these very runs. p_seeds: of
    `p_with_seeds`, which counts the spread over seeds too; NaN where neither has several. p: the larger of both, so
    that a difference counts only if neither other questions nor other seeds would explain it.
    """

    difference: NDArray[np.float64]
    low: NDArray[np.float64]
    high: NDArray[np.float64]
    p_questions: NDArray[np.float64]
    p_seeds: NDArray[np.float64]
    p: NDArray[np.float64]
    spread: Spread


def differences(
    systems: SystemValues, pairs: NDArray[np.int64], draws: int = 10_000, seed: int = 0, level: float = 0.05
) -> Differences:
    """Compare the systems `pairs` [comparisons, 2] in all targets."""
    a, b = pairs.T
    difference = systems.mean[a] - systems.mean[b]
    parts = spread(systems, pairs)
    low, high = t_interval(difference, parts.total, parts.freedom, level)
    p_questions = randomization_test(systems.contributions, pairs, draws, seed)
    several = (systems.seeds[a] > 1) | (systems.seeds[b] > 1)
    p_seeds = np.where(several[:, None], p_with_seeds(difference, parts), np.nan)
    return Differences(difference, low, high, p_questions, p_seeds, np.fmax(p_questions, p_seeds), parts)


def all_pairs(systems: int) -> NDArray[np.int64]:
    """Every two of them, the earlier one first: [comparisons, 2]."""
    return np.array(list(combinations(range(systems), 2)), dtype=np.int64).reshape(-1, 2)
