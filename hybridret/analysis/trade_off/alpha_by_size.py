"""How the best alpha moves with size: the slope of a line through best alphas against log10 of the body parameters.

The interval is that of the draws, so it holds what questions and seeds leave open. Best alphas may scatter around the
line for further reasons; where that scatter alone gives a wider interval, it is the wider one. Where the draws do not
explain the scatter, three or four sizes hardly know it: the interval is then Student's.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import stdtrit

FEWEST = 3  # sizes
LEVEL = 0.05  # a share of draws below this does not explain a scatter
_NORMAL = 1.96


@dataclass(frozen=True)
class Slope:
    """per_tenfold, low, high: change of the best alpha when the body has ten times the parameters; NaN with one size.

    decided: whether there are `FEWEST` sizes and the interval leaves out 0. reason: why not, "" if it is. widened:
    whether the scatter around the line made the interval wider.
    """

    per_tenfold: float
    low: float
    high: float
    decided: bool
    reason: str
    widened: bool = False


def alpha_by_size(parameters: NDArray[np.float64], best: NDArray[np.float64], drawn: NDArray[np.float64]) -> Slope:
    """parameters, best: [sizes]. drawn: best alphas of each draw [draws, sizes]."""
    logs = np.log10(parameters)
    sizes = len(np.unique(logs))
    if sizes < 2:
        return Slope(np.nan, np.nan, np.nan, False, "there is one size")
    centred = logs - logs.mean()
    weights = centred / (centred**2).sum()  # of the least-squares slope
    slope = float(best @ weights)
    low, high = map(float, np.quantile(drawn @ weights, [0.025, 0.975]))
    widened = False
    if (spare := len(best) - 2) > 0:
        scatter = _scatter(best, centred)
        explained = np.mean(_scatter(drawn - best, centred) >= scatter) >= LEVEL
        quantile = _NORMAL if explained else float(stdtrit(spare, 0.975))
        margin = quantile * float(np.sqrt(scatter / spare / (centred**2).sum()))
        widened = slope - margin < low or slope + margin > high
        low, high = min(low, slope - margin), max(high, slope + margin)
    few = sizes < FEWEST
    reason = f"there are fewer than {FEWEST} sizes" if few else "the interval holds 0" if low <= 0 <= high else ""
    return Slope(slope, low, high, not reason, reason, widened)


def _scatter(values: NDArray[np.float64], centred: NDArray[np.float64]) -> NDArray[np.float64]:
    """Sum of squares of values [..., sizes] around their line: [...]."""
    slope = values @ centred / (centred**2).sum()
    away = values - values.mean(axis=-1, keepdims=True) - slope[..., None] * centred
    return np.asarray((away**2).sum(axis=-1))
