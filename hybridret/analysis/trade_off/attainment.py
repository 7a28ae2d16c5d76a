"""Bands of a front of two goals: for a level of the first, the distribution of the best second goal.

This is the attainment function (Grunert da Fonseca, Fonseca and Hall, 2001): the band between two quantiles holds the
front's height at that level in the stated share of draws, level by level, not the whole front at once.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

QUANTILES = (0.025, 0.5, 0.975)


def best_at(values: NDArray[np.float64], levels: NDArray[np.float64]) -> NDArray[np.float64]:
    """The best second goal of all configurations whose first goal reaches the level: [draws, levels].

    values: [draws, configurations, 2], higher is better. -inf where no configuration reaches it.
    """
    found = np.full((len(values), len(levels)), -np.inf)
    for first, second in np.moveaxis(values, 1, 0).transpose(0, 2, 1):
        np.maximum(found, np.where(first[:, None] >= levels, second[:, None], -np.inf), out=found)
    return found


def attainment(
    values: NDArray[np.float64], levels: NDArray[np.float64], quantiles: Sequence[float] = QUANTILES
) -> NDArray[np.float64]:
    """Quantiles of `best_at` over draws: [quantiles, levels]. NaN where that quantile reaches no configuration."""
    bands = np.quantile(best_at(values, levels), quantiles, axis=0, method="inverted_cdf")
    return np.where(np.isneginf(bands), np.nan, bands)
