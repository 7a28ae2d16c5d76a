"""Groups of language pairs: the unit is the language, for which 110 pairs of 11 languages are 11 observations.

p: the labels of the languages are exchanged, as Hubert's quadratic assignment does with the nodes of a network; all
pairs of a language move together. Interval: the jackknife over nodes of Snijders and Borgatti (1999).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import permutations

import numpy as np
from numpy.typing import NDArray
from scipy.special import stdtrit

from hybridret.analysis.pitfalls.mantel_haenszel import OddsRatio, odds_ratio

Marks = NDArray[np.bool_]
Pair = tuple[str, str]
ALL = 7  # up to this many languages every order is tried


def language_odds_ratio(event: Marks, trial: Marks, member: Marks, pairs: Sequence[Pair]) -> OddsRatio:
    """Odds ratio over strata that are questions: `event`, `trial`, `member` are bool [questions, pairs]."""

    def log_ratio(kept: NDArray[np.int64]) -> float:
        found = odds_ratio(event[:, kept].T, trial[:, kept].T, member[:, kept].T).ratio
        return math.log(found) if 0 < found < math.inf else math.nan

    languages = _languages(pairs)
    every = range(len(pairs))
    whole = odds_ratio(event.T, trial.T, member.T).ratio
    without = [
        log_ratio(np.array([i for i in every if language not in pairs[i]], dtype=np.int64)) for language in languages
    ]
    n = len(languages)
    if n < 4 or not all(map(math.isfinite, without)) or not 0 < whole < math.inf:
        return OddsRatio(whole, math.nan, math.nan, math.nan)
    error = math.sqrt((n - 2) / (2 * n) * sum((one - sum(without) / n) ** 2 for one in without))
    half = float(stdtrit(n - 1, 0.975)) * error
    return OddsRatio(whole, whole * math.exp(-half), whole * math.exp(half), error)


def language_test(
    residuals: NDArray[np.float64], member: NDArray[np.bool_], pairs: Sequence[Pair], draws: int, seed: int
) -> float:
    """Two-sided p of the total of `residuals` [pairs] over the `member` pairs [pairs], when languages exchange their
    labels; every order of up to 7 languages, else `draws` random ones and the observed one. A pair whose exchanged
    languages are no pair is no member."""
    languages = _languages(pairs)
    n = len(languages)
    ends = np.array([[languages.index(one) for one in pair] for pair in pairs], dtype=np.int64)
    labels = np.zeros((n, n))
    labels[ends[:, 0], ends[:, 1]] = member
    if n <= ALL:
        orders = np.array(list(permutations(range(n))), dtype=np.int64)
    else:
        random = np.random.default_rng(seed)
        orders = random.permuted(np.tile(np.arange(n), (draws, 1)), axis=1)
        orders = np.concatenate([np.arange(n)[None], orders])
    totals = labels[orders[:, ends[:, 0]], orders[:, ends[:, 1]]] @ residuals
    centre = totals.mean()
    observed = float(labels[ends[:, 0], ends[:, 1]] @ residuals)
    return float((np.abs(totals - centre) >= abs(observed - centre) - 1e-9 * max(1.0, abs(observed))).mean())


def _languages(pairs: Sequence[Pair]) -> list[str]:
    return sorted({language for pair in pairs for language in pair})
