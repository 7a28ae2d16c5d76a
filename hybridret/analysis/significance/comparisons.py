"""All configurations against each other in all measures, as one family of tests."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from hybridret.analysis.question_values import MEASURE, QuestionValues
from hybridret.analysis.significance.bootstrap import acceleration, bca_interval, resampled_means
from hybridret.analysis.significance.correction import benjamini_hochberg, holm
from hybridret.analysis.significance.difference import all_pairs, differences
from hybridret.analysis.significance.system_values import system_values

KNOWN, PARTLY, UNKNOWN = "known", "partly known", "unknown"
VARIANCES = ("var_questions", "var_seeds_a", "var_seeds_b", "var_interaction_a", "var_interaction_b")
COMPARISON = (
    *MEASURE, "a", "b", "difference", "low", "high", "p", "p_holm", "p_bh", "verdict", "seeds_a", "seeds_b",
    "questions", "seed_spread", "interval", "p_questions", "p_seeds", "bootstrap_low", "bootstrap_high",
    "standard_error", "freedom", *VARIANCES, "left_out", "better",
)  # fmt: skip


def comparisons(
    measures: Iterable[QuestionValues],
    draws: int = 10_000,
    resamples: int = 2_000,
    seed: int = 0,
    fixed: Collection[str] = (),
    level: float = 0.05,
    advance: Callable[[], None] = lambda: None,
) -> pd.DataFrame:
    """One row with the columns `COMPARISON` for every two configurations in every measure; all are one family.

    difference: macro average of a minus that of b, in the unit of the metric. low, high: its interval with coverage
    1 - level, not corrected; `interval` says how it was found: `t` (`variance`) where one of both has several seeds,
    else `BCa` over questions. p: see `Differences`; p_holm and p_bh: corrected over all rows. verdict: `a` or `b`, the
    better one, where p_bh <= level and the interval leaves out 0; else `undecided`. seed_spread: `known` where each
    has several seeds or is in `fixed` (configurations that no seed changes, such as BM25), `partly known` where one
    is so, else `unknown`: then all is about these very runs. bootstrap_low, bootstrap_high: BCa of the hierarchical
    bootstrap, for comparison. var_...: the variances of `Spread`. `advance` is called after each measure.
    """
    found = []
    for values in measures:
        if len(values.names) > 1:
            found.append(_of_measure(values, draws, resamples, seed, fixed, level))
        advance()
    frame = pd.concat(found, ignore_index=True) if found else pd.DataFrame(columns=list(COMPARISON))
    return corrected(frame, level)[list(COMPARISON)]


def corrected(frame: pd.DataFrame, level: float = 0.05) -> pd.DataFrame:
    """`frame` with p_holm, p_bh and verdict of its rows as one family."""
    p = frame["p"].to_numpy(dtype=float)
    frame = frame.assign(p_holm=holm(p), p_bh=benjamini_hochberg(p))
    decided = (frame["p_bh"] <= level) & ((frame["low"] > 0) | (frame["high"] < 0))
    a_better = frame["difference"] * frame["better"] > 0
    return frame.assign(verdict=np.where(decided, np.where(a_better, "a", "b"), "undecided"))


def measure_columns(values: QuestionValues) -> dict[str, str | int]:
    """The columns that name a measure, and which direction is better."""
    return {**{name: getattr(values, name) for name in MEASURE}, "better": values.better}


def _of_measure(
    values: QuestionValues, draws: int, resamples: int, seed: int, fixed: Collection[str], level: float
) -> pd.DataFrame:
    systems = system_values(values)
    pairs = all_pairs(len(systems.names))
    a, b = pairs.T
    found = differences(systems, pairs, draws, seed, level)
    means = resampled_means(values, resamples, seed)
    difference, low, high = found.difference[:, 0], found.low[:, 0], found.high[:, 0]
    bca = _bca(difference, means, pairs, acceleration(systems, pairs), level)
    single = (systems.seeds[a] == 1) & (systems.seeds[b] == 1) & ~np.isnan(bca[0])
    known = (systems.seeds > 1) | np.isin(systems.names, list(fixed))
    names = np.array(systems.names, dtype=object)
    parts = found.spread
    both, one = known[a] & known[b], known[a] | known[b]
    columns = {
        "a": names[a],
        "b": names[b],
        "difference": difference,
        "low": np.where(single, bca[0], low),
        "high": np.where(single, bca[1], high),
        "p": found.p[:, 0],
        "seeds_a": systems.seeds[a],
        "seeds_b": systems.seeds[b],
        "questions": int(systems.questions[0]),
        "seed_spread": np.where(both, KNOWN, np.where(one, PARTLY, UNKNOWN)),
        "interval": np.where(single, "BCa", "t"),
        "p_questions": found.p_questions[:, 0],
        "p_seeds": found.p_seeds[:, 0],
        "bootstrap_low": bca[0],
        "bootstrap_high": bca[1],
        "standard_error": np.sqrt(parts.total[:, 0]),
        "freedom": parts.freedom[:, 0],
        "left_out": values.left_out,
    }
    variances = (parts.questions, parts.seeds_a, parts.seeds_b, parts.interaction_a, parts.interaction_b)
    columns |= {name: one[:, 0] for name, one in zip(VARIANCES, variances, strict=True)}
    return pd.DataFrame(columns).assign(**measure_columns(values))


def _bca(
    difference: NDArray[np.float64],
    means: NDArray[np.float64],
    pairs: NDArray[np.int64],
    skewness: NDArray[np.float64],
    level: float,
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Pair by pair, so that the differences of all resamples never stand in memory at once."""
    low, high = np.empty(len(pairs)), np.empty(len(pairs))
    for i, (a, b) in enumerate(pairs):
        one = slice(i, i + 1)
        low[one], high[one] = bca_interval(difference[one], (means[:, a] - means[:, b])[:, None], skewness[one], level)
    return low, high
