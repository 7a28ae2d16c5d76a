"""The scale on which a law is fitted: a positive loss L, whose logarithm has noise of about one size everywhere.

Contrastive entropy is such a loss as it is. A ranking metric m between 0 and 1 becomes the odds against finding,
L = (1 - m) / m, so that log L = -logit(m). 1 - m would not do: it cannot exceed 1, so a law in 1 - m must bend where
models are weak, and a band around it leaves the possible values; the odds have no bound on either side, are 1 - m
times a constant near m = 1, and a law for them goes back to a metric between 0 and 1.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray


def log_odds_against(values: ArrayLike, counts: ArrayLike) -> NDArray[np.float64]:
    """-logit of metrics [n] between 0 and 1, means over `counts` [n] queries each.

    0 and 1 have no logit: there, half a query is added to either side (Haldane and Anscombe); other values stay as they
    are. Raises ValueError for a value outside [0, 1] or a count below 1.
    """
    metric, count = np.broadcast_arrays(np.asarray(values, dtype=np.float64), np.asarray(counts, dtype=np.float64))
    if np.any((metric < 0) | (metric > 1)):
        raise ValueError("a metric with odds is between 0 and 1")
    if np.any(count < 1):
        raise ValueError("a metric is a mean over at least one query")
    edge = (metric == 0) | (metric == 1)
    inner = np.where(edge, (metric * count + 0.5) / (count + 1.0), metric)
    found: NDArray[np.float64] = np.log1p(-inner) - np.log(inner)
    return found


def metric_of(log_odds: ArrayLike) -> NDArray[np.float64]:
    """The metric between 0 and 1 whose odds against are exp(`log_odds`): the inverse of `log_odds_against`."""
    found: NDArray[np.float64] = np.exp(-np.logaddexp(0.0, np.asarray(log_odds, dtype=np.float64)))
    return found
