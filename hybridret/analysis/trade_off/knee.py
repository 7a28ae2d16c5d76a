"""The knee of a front of two goals: its configuration farthest above the chord between the ends of the front.

Both goals are normalised by the range of the front (Das, "On characterizing the knee of the Pareto curve", 1999). A
front without a bulge, or with fewer than three configurations, has no knee.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from hybridret.analysis.pareto import pareto_front

NONE = -1
_LEAST = 1e-9  # of the range: what is nearer to the chord lies on it


def knee(values: NDArray[np.float64]) -> tuple[NDArray[np.intp], NDArray[np.float64]]:
    """The configuration at the knee and its distance from the chord, [...] each, from [..., configurations, 2] in which
    higher is better. `NONE` and 0 where there is no knee; the distance is at most 1 / sqrt(2)."""
    front = pareto_front(values)[..., None]
    low = np.where(front, values, np.inf).min(axis=-2, keepdims=True)
    high = np.where(front, values, -np.inf).max(axis=-2, keepdims=True)
    extent = np.where(np.isfinite(high - low), high - low, 0.0)
    flat = (extent == 0).any(axis=(-2, -1))
    share = np.where(front, (values - np.where(front, low, 0.0)) / np.where(extent > 0, extent, 1.0), -np.inf)
    distance = (share.sum(axis=-1) - 1.0) / np.sqrt(2.0)
    best = distance.max(axis=-1)
    is_there = (best > _LEAST) & ~flat
    return np.where(is_there, distance.argmax(axis=-1), NONE), np.where(is_there, best, 0.0)


def knee_probability(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Share of draws in which each configuration is the knee: [configurations + 1], the last for no knee."""
    at, _ = knee(values)
    count = values.shape[1]
    return np.bincount(np.where(at == NONE, count, at), minlength=count + 1) / len(values)
