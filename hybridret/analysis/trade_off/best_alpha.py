"""The alpha at which an objective is best, from a grid of alphas.

`parabola`, the default: through the best alpha of the grid and its two neighbours, so that a cliff at the other end of
the grid does not move it. `quadratic`: one through all alphas, for objectives that are quadratic. `argmax`: the best
alpha of the grid.
"""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import NDArray

Method = Literal["parabola", "quadratic", "argmax"]


def best_alpha(
    alphas: NDArray[np.float64], objective: NDArray[np.float64], method: Method = "parabola"
) -> NDArray[np.float64]:
    """[...] from alphas [n], which rise, and the objective [..., n]; within the grid.

    An end of the grid is the answer where the curve rises up to it. Raises ValueError when alphas do not rise, or where
    a curve has fewer than three.
    """
    if (np.diff(alphas) <= 0).any():
        raise ValueError("alphas must rise")
    top = np.asarray(objective.argmax(axis=-1))
    if method == "argmax":
        return np.asarray(alphas[top])
    if len(alphas) < 3:
        raise ValueError(f"a curve through {len(alphas)} alphas has no best one")
    if method == "quadratic":
        curve, slope, _ = np.moveaxis(_fit(alphas, objective), -1, 0)
        peak = curve < 0
        best = np.where(peak, -slope / np.where(peak, 2 * curve, 1.0), alphas[top])
        return np.asarray(np.clip(np.where(peak, best, _better_end(alphas, objective)), alphas[0], alphas[-1]))
    middle = np.clip(top, 1, len(alphas) - 2)
    x0, x1, x2 = (alphas[middle + i] for i in (-1, 0, 1))
    y0, y1, y2 = (np.take_along_axis(objective, (middle + i)[..., None], -1)[..., 0] for i in (-1, 0, 1))
    left, right = (x1 - x0) * (y1 - y2), (x1 - x2) * (y1 - y0)
    bent = (left - right) * (x2 - x0) > 0  # it has a peak, not a trough
    shift = ((x1 - x0) * left - (x1 - x2) * right) / np.where(bent, 2 * (left - right), 1.0)
    return np.asarray(np.where(bent, np.clip(x1 - shift, alphas[0], alphas[-1]), alphas[top]))


def _fit(alphas: NDArray[np.float64], objective: NDArray[np.float64]) -> NDArray[np.float64]:
    design = np.stack([alphas**2, alphas, np.ones_like(alphas)], axis=1)
    return np.asarray(objective @ np.linalg.pinv(design).T)


def _better_end(alphas: NDArray[np.float64], objective: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray(np.where(objective[..., 0] >= objective[..., -1], alphas[0], alphas[-1]))
