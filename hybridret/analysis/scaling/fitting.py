"""Least squares for the laws: one series by scipy from several starts, thousands of resampled ones together.

`refit` is a Levenberg-Marquardt descent over all resampled series at once, because a loop of scipy's would take minutes
for the intervals of one report; the tests compare the two.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import least_squares

from hybridret.analysis.scaling.laws import FloatArray, Law

BoolArray = NDArray[np.bool_]

STEPS = 80
ENOUGH = 1e-10  # a step that takes away a smaller share of the squares is the last
NARROW = 1e-6  # step of the numerical derivative
EDGE = 1e-3  # as a logarithm, from a bound


@dataclass(frozen=True)
class Fit:
    """A law with its parameters.

    inner: [p]; middle: means of the logarithms of the variables [v], which inner parameters refer to.
    residuals: observed minus fitted log L [k]. r2: the share of the weighted variance of log L that is explained, NaN
    for a constant series. converged: False where no start came to an end. at_bound: an exponent ended at its bound,
    where the data cannot tell it.
    """

    law: Law
    inner: FloatArray
    middle: FloatArray
    residuals: FloatArray
    r2: float
    converged: bool
    at_bound: bool

    @property
    def parameters(self) -> dict[str, float]:
        """The natural parameters by name."""
        found = self.law.natural(self.inner, self.middle)
        return {name: float(value) for name, value in zip(self.law.parameters, found, strict=True)}

    def log_loss(self, variables: FloatArray, inner: FloatArray | None = None) -> FloatArray:
        """Fitted log L [..., k] at `variables` [k, v] in their own units; `inner` [..., p]: other parameters."""
        logs = np.log(variables) - self.middle
        return self.law.log_loss(self.inner if inner is None else inner, logs)


def fit(law: Law, variables: FloatArray, values: FloatArray, spread: FloatArray | None = None) -> Fit:
    """Fit `law` to log L `values` [k] at `variables` [k, v], each weighted by 1 / `spread` [k] (all alike without).

    Raises ValueError where there are fewer values than parameters, or a value is not finite.
    """
    logs, middle = _centred(law, variables)
    spread = np.ones(len(values)) if spread is None else spread
    if len(values) < len(law.parameters):
        raise ValueError(f"{law.name} has {len(law.parameters)} parameters, and there are {len(values)} values")
    if not (np.isfinite(values).all() and np.isfinite(logs).all() and (spread > 0).all()):
        raise ValueError("values and variables must be finite, variables and spreads above 0")
    bounds = law.bounds(values)
    starts = _inside(law.starts(logs, values), *bounds)
    # All starts go down together, and scipy finishes from the lowest end; one after the other takes ten times as long.
    ends, left = _descend(law, logs, np.tile(values, (len(starts), 1)), spread, starts, *bounds)
    left = np.where(np.isnan(left), np.inf, left)
    best = least_squares(
        lambda inner: (law.log_loss(inner, logs) - values) / spread,
        _inside(ends[[int(np.argmin(left))]], *bounds)[0],
        bounds=bounds,
        x_scale="jac",
        ftol=1e-11,
        xtol=1e-11,
        gtol=1e-11,
        max_nfev=150,
    )
    residuals = values - law.log_loss(best.x, logs)
    weights = 1 / spread**2
    total = float(np.sum(weights * (values - np.average(values, weights=weights)) ** 2))
    r2 = 1 - float(np.sum(weights * residuals**2)) / total if total > 1e-20 else float("nan")
    at_bound = bool(exponent_at_bound(law, best.x[None], bounds)[0])
    return Fit(law, best.x, middle, residuals, r2, bool(best.status > 0), at_bound)


def refit(
    first: Fit, variables: FloatArray, values: FloatArray, spread: FloatArray | None = None
) -> tuple[FloatArray, FloatArray]:
    """Fit the law of `first` to B series `values` [B, k], each from the parameters of `first` and from two of its
    starts: inner parameters [B, p], and squares that are left [B], NaN where no start came to an end.
    """
    law = first.law
    logs = np.log(variables) - first.middle
    spread = np.ones(values.shape[1]) if spread is None else spread
    lower, upper = law.bounds(values)
    starts = law.starts(logs, first.log_loss(variables) + first.residuals)
    few = [first.inner, *(starts[[1, -2]] if len(starts) > 2 else [])]
    best = np.tile(first.inner, (len(values), 1))
    squares = np.full(len(values), np.nan)
    for start in _inside(np.array(few), lower, upper):
        found, left = _descend(law, logs, values, spread, np.tile(start, (len(values), 1)), lower, upper)
        better = np.isfinite(left) & ~(left >= squares)
        best[better], squares[better] = found[better], left[better]
    return best, squares


def exponent_at_bound(law: Law, inner: FloatArray, bounds: tuple[FloatArray, FloatArray]) -> BoolArray:
    """Whether an exponent of `inner` [B, p] stands at the edge of what is allowed: bool [B]."""
    if law.exponent is None:
        return np.zeros(len(inner), dtype=bool)
    columns = [1, 3] if law.variables == 2 else [1]
    low, high = bounds
    edge = (inner[:, columns] < low[columns] + EDGE) | (inner[:, columns] > high[columns] - EDGE)
    return np.asarray(edge.any(axis=1), dtype=bool)


def _centred(law: Law, variables: FloatArray) -> tuple[FloatArray, FloatArray]:
    if variables.ndim != 2 or variables.shape[1] != law.variables:
        raise ValueError(f"{law.name} needs variables of the shape [k, {law.variables}], not {variables.shape}")
    if not (variables > 0).all():
        raise ValueError("variables must be above 0")
    logs = np.log(variables)
    middle = logs.mean(axis=0)
    return logs - middle, middle


def _inside(starts: FloatArray, lower: FloatArray, upper: FloatArray) -> FloatArray:
    """Strictly, as scipy wants it."""
    room = np.where(np.isfinite(upper - lower), 1e-6 * np.minimum(upper - lower, 1.0), 0.0)
    return np.clip(starts, lower + room, upper - room)


def _descend(
    law: Law,
    logs: FloatArray,
    values: FloatArray,
    spread: FloatArray,
    start: FloatArray,
    lower: FloatArray,
    upper: FloatArray,
) -> tuple[FloatArray, FloatArray]:
    """Levenberg-Marquardt with bounds for all rows: parameters [B, p], squares [B] (NaN: not at an end)."""
    inner, count = start.copy(), start.shape[1]

    def residuals(some: FloatArray, rows: NDArray[np.int64]) -> FloatArray:
        return (law.log_loss(some, logs) - values[rows]) / spread

    squares = np.sum(residuals(inner, np.arange(len(values))) ** 2, axis=1)
    damping = np.full(len(values), 1e-3)
    active = np.flatnonzero(np.isfinite(squares))
    ended = np.zeros(len(values), dtype=bool)
    shifts = NARROW * np.eye(count)
    for _ in range(STEPS):
        if not len(active):
            break
        here = inner[active]
        left = residuals(here, active)
        slopes = np.stack(
            [(law.log_loss(here + one, logs) - law.log_loss(here - one, logs)) / (2 * NARROW) for one in shifts], axis=2
        )
        slopes /= spread[:, None]
        downhill = -np.einsum("bkp,bk->bp", slopes, left)
        held = ((here <= lower) & (downhill < 0)) | ((here >= upper) & (downhill > 0))
        slopes = np.where(held[:, None, :], 0.0, slopes)
        normal = np.einsum("bkp,bkq->bpq", slopes, slopes)
        scale = np.einsum("bpp->bp", normal) + 1e-12
        normal[:, range(count), range(count)] += damping[active, None] * scale + 1e-12
        step = np.linalg.solve(normal, np.where(held, 0.0, downhill)[:, :, None])[:, :, 0]
        new = np.clip(here + step, lower, upper)
        reached = np.sum(residuals(new, active) ** 2, axis=1)
        gained = squares[active] - reached
        better = gained >= 0
        at = active[better]
        done = better & (gained <= ENOUGH * squares[active] + 1e-18)
        inner[at], squares[at] = new[better], reached[better]
        damping[active] = np.where(better, np.maximum(damping[active] / 10, 1e-12), damping[active] * 10)
        done |= damping[active] > 1e10  # no direction leads down
        ended[active[done]] = True
        active = active[~done]
    return inner, np.where(ended, squares, np.nan)
