"""What a comparison could have seen, and what it would take to settle it."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.special import nctdtr, stdtrit

from hybridret.analysis.significance.variance import satterthwaite

MOST_SEEDS = 100  # more of a configuration than anybody trains


def detectable_difference(
    variance: NDArray[np.float64], freedom: NDArray[np.float64], power: float = 0.8, level: float = 0.05
) -> NDArray[np.float64]:
    """The smallest true difference whose interval with coverage 1 - level leaves out 0 with probability `power`, from
    the noncentral t distribution; shaped as `variance`. A test of many is corrected, so it needs more than this."""
    return noncentrality(freedom, power, level) * np.sqrt(variance)


def noncentrality(freedom: NDArray[np.float64], power: float, level: float) -> NDArray[np.float64]:
    """Difference in standard errors that is found with probability `power`, by bisection; shaped as `freedom`."""
    freedom = np.minimum(np.asarray(freedom, dtype=np.float64), 1e6)  # beyond, t is normal
    critical = stdtrit(freedom, 1.0 - level / 2.0)
    low, high = np.zeros_like(critical), 4.0 * critical + 4.0
    for _ in range(50):
        middle = (low + high) / 2.0
        found = nctdtr(freedom, middle, critical) > 1.0 - power
        low, high = np.where(found, middle, low), np.where(found, high, middle)
    half: NDArray[np.float64] = (low + high) / 2.0
    return half


def needs(frame: pd.DataFrame, power: float = 0.8, level: float = 0.05) -> pd.DataFrame:
    """What the rows of `comparisons` could see and would need, if the true difference is the observed one.

    frame: any rows of it. Returns one row for each, with the same index:
    detectable: see `detectable_difference`.
    more_seeds: how many more seeds of each of both until the difference would be found with probability `power`; 0
        where there are enough; NaN where more than 100 would not do, or where the spread over seeds is not known.
    more_questions: how many more questions; NaN where no number of them would do, since the spread over seeds alone is
        too large, or where the difference is 0. Of such a row `seeds_dominate` is true in the first case.
    Correction for the size of the family is not part of it: these are the least numbers.
    """
    difference = frame["difference"].abs().to_numpy(dtype=float)
    variance = frame["standard_error"].to_numpy(dtype=float) ** 2
    detectable = detectable_difference(variance, frame["freedom"].to_numpy(dtype=float), power, level)
    a, b = ((frame[f"var_seeds_{x}"] - frame[f"var_interaction_{x}"]).clip(lower=0).to_numpy(float) for x in "ab")
    questions = frame["questions"].to_numpy(dtype=float)
    normal = stdtrit(np.inf, 1.0 - level / 2.0) + stdtrit(np.inf, power)
    left = (difference / normal) ** 2 - (a + b)  # the variance over questions may be as large as this
    with np.errstate(divide="ignore", invalid="ignore"):
        needed = np.where(left > 0, np.ceil(frame["var_questions"].to_numpy() / left * questions), np.nan)
    return pd.DataFrame(
        {
            "detectable": detectable,
            "more_seeds": _more_seeds(frame, difference, detectable, power, level),
            "more_questions": np.where(difference > 0, np.maximum(needed - questions, 0.0), np.nan),
            "seeds_dominate": (difference > 0) & (left <= 0),
        },
        index=frame.index,
    )


def _more_seeds(
    frame: pd.DataFrame,
    difference: NDArray[np.float64],
    detectable: NDArray[np.float64],
    power: float,
    level: float,
) -> NDArray[np.float64]:
    seeds = frame[["seeds_a", "seeds_b"]].to_numpy(dtype=float)
    known = ((frame["seed_spread"] == "known").to_numpy()) & (seeds > 1).any(axis=1)
    found = np.where(known & (difference >= detectable) & (difference > 0), 0.0, np.nan)
    open_rows = np.flatnonzero(known & np.isnan(found) & (difference > 0))
    for more in range(1, MOST_SEEDS + 1):
        if not len(open_rows):
            break
        variance, freedom = _with_more_seeds(frame.iloc[open_rows], more)
        reached = stdtrit(freedom, 1.0 - level / 2.0) + stdtrit(freedom, power)
        enough = difference[open_rows] >= reached * np.sqrt(variance)
        found[open_rows[enough]] = more
        open_rows = open_rows[~enough]
    return found


def _with_more_seeds(frame: pd.DataFrame, more: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Variance and degrees of freedom with so many more seeds of each that has several."""
    over_questions = frame["var_questions"].to_numpy(dtype=float)
    over_seeds = np.zeros_like(over_questions)
    parts = []
    for x in "ab":
        seeds = frame[f"seeds_{x}"].to_numpy(dtype=float)
        later = np.where(seeds > 1, seeds + more, seeds)
        share = seeds / later
        of_seeds, interaction = (frame[f"var_{name}_{x}"].to_numpy(dtype=float) for name in ("seeds", "interaction"))
        over_questions = over_questions - interaction * (1.0 - share)
        over_seeds += np.maximum(of_seeds - interaction, 0.0) * share
        parts.append((of_seeds * share, np.maximum(later - 1, 1)))
    over_questions = np.maximum(over_questions, 0.0)
    total = over_questions + over_seeds
    return total, satterthwaite(total, (over_questions, (frame["questions"] - 1).to_numpy()), *parts)
