"""Smoothing of noisy curves for plots: exponential moving average with bias correction at the start (as in Adam)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def smooth(values: NDArray[np.float64], span: float) -> NDArray[np.float64]:
    """Exponential moving average of `values` [n] with weight 2 / (span + 1) on the newest; [n].

    Each value is divided by the sum of the weights so far, so that a constant curve stays constant. NaN is left out
    of the average. span = 1 returns the values. Raises ValueError when span < 1.
    """
    if span < 1:
        raise ValueError(f"span must be at least 1, got {span}")
    keep = 1.0 - 2.0 / (span + 1.0)
    total, weight = 0.0, 0.0
    smoothed = np.full(len(values), np.nan)
    for i, value in enumerate(np.asarray(values, dtype=np.float64)):
        total, weight = keep * total, keep * weight
        if not np.isnan(value):
            total, weight = total + (1.0 - keep) * value, weight + (1.0 - keep)
        smoothed[i] = total / weight if weight > 0 else np.nan
    return smoothed
