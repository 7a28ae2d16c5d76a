"""Hypervolume: how much of the space above a reference a set of configurations dominates (Zitzler and Thiele, 1999).

One number for a whole trade-off. It depends on the reference, which is therefore stated and the same for all draws.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

MARGIN = 0.1  # of the range of a goal, by which the reference is worse than the worst configuration


def reference_and_best(observed: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The reference and the best value of each goal, [goals] each, from [configurations, goals].

    The reference is worse than the worst configuration by `MARGIN` of the range, so that the ends of a front count.
    """
    low, high = observed.min(axis=0), observed.max(axis=0)
    return low - MARGIN * (high - low), high


def hypervolume(values: NDArray[np.float64], reference: NDArray[np.float64]) -> NDArray[np.float64]:
    """[...] from [..., configurations, goals] with two or three goals, higher is better; what is not above the
    reference in all goals adds nothing. Raises ValueError for another number of goals."""
    above = values - reference
    above = np.where((above > 0).all(axis=-1, keepdims=True), above, 0.0)
    if above.shape[-1] == 2:
        return _area(above)
    if above.shape[-1] != 3:
        raise ValueError(f"a hypervolume needs two or three goals, got {above.shape[-1]}")
    # Slices of the third goal, from the best one down; each has the area of all that reach it.
    order = np.argsort(-above[..., 2], axis=-1, kind="stable")
    above = np.take_along_axis(above, order[..., None], -2)
    height = above[..., 2] - np.concatenate([above[..., 1:, 2], np.zeros_like(above[..., :1, 2])], axis=-1)
    volume = np.zeros(above.shape[:-2])
    for i in range(above.shape[-2]):
        volume += height[..., i] * _area(above[..., : i + 1, :2])
    return volume


def contributions(values: NDArray[np.float64], reference: NDArray[np.float64]) -> NDArray[np.float64]:
    """What the hypervolume loses without each configuration: [..., configurations]."""
    whole = hypervolume(values, reference)
    found = np.zeros(values.shape[:-1])
    for i in range(values.shape[-2]):
        found[..., i] = whole - hypervolume(np.delete(values, i, axis=-2), reference)
    return np.maximum(found, 0.0)  # rounding


def _area(above: NDArray[np.float64]) -> NDArray[np.float64]:
    if not above.shape[-2]:
        return np.zeros(above.shape[:-2])
    order = np.argsort(-above[..., 0], axis=-1, kind="stable")
    first = np.take_along_axis(above[..., 0], order, -1)
    second = np.maximum.accumulate(np.take_along_axis(above[..., 1], order, -1), axis=-1)
    width = first - np.concatenate([first[..., 1:], np.zeros_like(first[..., :1])], axis=-1)
    area: NDArray[np.float64] = (width * second).sum(axis=-1)
    return area
