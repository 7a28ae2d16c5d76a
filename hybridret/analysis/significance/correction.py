"""p-values of a whole family, corrected for its size."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.stats import false_discovery_control


def holm(p: NDArray[np.float64]) -> NDArray[np.float64]:
    """Holm's step-down correction (1979): with p <= .05 the chance of even one false positive is 5%.

    p: [tests], NaN where there was no test, which stays NaN and is not counted. Raises ValueError outside of 0 to 1.
    """
    known = _known(p)
    corrected = np.full(len(p), np.nan)
    order = known[np.argsort(p[known], kind="stable")]
    steps = p[order] * np.arange(len(order), 0, -1)
    corrected[order] = np.minimum(np.maximum.accumulate(steps), 1.0)
    return corrected


def benjamini_hochberg(p: NDArray[np.float64]) -> NDArray[np.float64]:
    """Benjamini and Hochberg's correction (1995): of all tests with p <= .05 about 5% are false positives.

    p: [tests], NaN as in `holm`. Raises ValueError outside of 0 to 1.
    """
    known = _known(p)
    corrected = np.full(len(p), np.nan)
    if len(known):
        corrected[known] = false_discovery_control(p[known])
    return corrected


def _known(p: NDArray[np.float64]) -> NDArray[np.int64]:
    known = np.flatnonzero(~np.isnan(p))
    if ((p[known] < 0) | (p[known] > 1)).any():
        raise ValueError("p must lie between 0 and 1")
    return known
