"""Steps against batch size, S(B) = S_min (1 + C / B), fitted on the logarithm of the steps.

For small batches S falls as S_min C / B: twice the batch, half the steps, and no pair is wasted. For large ones it
stays at S_min. The pairs that are needed, B S(B) = S_min (B + C), exceed those of the limit of small batches, S_min C,
by the share B / C. The critical batch size is where this overhead is 20%: B* = .2 C (McCandlish et al. 2018, arXiv
1812.06162, for the law; Zhang et al. 2024, arXiv 2410.21676, for the 20%).

A run that did not reach its target took more than its steps: it is censored, not dropped. The fit is the maximum
likelihood of normal residuals of log S, which is least squares where nothing is censored.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.special import expit, log_ndtr

OVERHEAD = 0.2
LEAST_SPREAD = 1e-3  # of log S: runs that agree exactly still have a likelihood
REACH = np.log(1000.0)  # C lies at most so far, as a logarithm, outside of the batch sizes
_GRID = 600  # values of log C that are tried before the best one is refined
Numbers = NDArray[np.float64]


@dataclass(frozen=True)
class BatchLaw:
    """`least_steps` S_min; `scale` C, in pairs; `spread`: standard deviation of the residuals of log S."""

    least_steps: float
    scale: float
    spread: float

    def steps(self, batch: Numbers) -> Numbers:
        """S(B) [n] of batch sizes [n]."""
        return np.asarray(self.least_steps * (1 + self.scale / np.asarray(batch, dtype=np.float64)))

    def critical(self, overhead: float = OVERHEAD) -> float:
        """The batch size, in pairs, that needs `overhead` more pairs than small batches do."""
        return overhead * self.scale


def fit_batch_law(batch: Numbers, steps: Numbers, censored: NDArray[np.bool_] | None = None) -> BatchLaw:
    """The law of runs with batch sizes [n] and steps [n]; of a `censored` run [n] it is known that it takes more.

    Raises ValueError for fewer than three batch sizes with a run that is not censored, and for what is not above 0.
    """
    batch, steps = np.asarray(batch, dtype=np.float64), np.asarray(steps, dtype=np.float64)
    late = np.zeros(len(batch), dtype=bool) if censored is None else np.asarray(censored, dtype=bool)
    if not (batch > 0).all() or not (steps > 0).all():
        raise ValueError("batch sizes and steps must be above 0")
    if len(np.unique(batch[~late])) < 3:
        raise ValueError("a law of two parameters needs runs of three batch sizes that reach the target")
    return _fit(np.log(batch), np.log(steps), late, _nearest_scales(np.log(batch), np.log(steps)[None])[0])


def law_draws(
    law: BatchLaw, batch: Numbers, censored_at: Numbers, resamples: int, random: np.random.Generator
) -> Numbers:
    """C of `resamples` repetitions of the study: [resamples]. A parametric bootstrap over its runs, seeds included.

    Each repetition has the same batch sizes [n], steps that scatter around the law, and is fitted anew; a run that
    would take more than `censored_at` [n] (inf: it may take any number) is censored. The variance of each repetition is
    drawn from what n - 2 degrees of freedom say about it, so that few runs give wide intervals. Repetitions that leave
    fewer than three batch sizes are drawn again. Raises ValueError for fewer than four runs, or where repetitions
    hardly ever leave three.
    """
    batch = np.asarray(batch, dtype=np.float64)
    n = len(batch)
    if n < 4:
        raise ValueError("an interval of a law of two parameters needs four runs")
    expected = np.log(law.steps(batch))
    variance = law.spread**2 * n  # times the chi-square of n - 2 below
    draws: list[Numbers] = []
    for _ in range(20):
        spread = np.sqrt(variance / random.chisquare(n - 2, resamples))[:, None]
        steps = expected + spread * random.normal(size=(resamples, n))
        late = steps > np.log(censored_at)
        steps = np.minimum(steps, np.log(censored_at))
        kept = [i for i in range(resamples) if len(np.unique(batch[~late[i]])) >= 3]
        scales = _nearest_scales(np.log(batch), steps)
        for i in kept:
            if late[i].any():
                scales[i] = np.log(_fit(np.log(batch), steps[i], late[i], scales[i]).scale)
        draws.append(np.exp(scales[kept]))
        if sum(map(len, draws)) >= resamples:
            return np.concatenate(draws)[:resamples]
    raise ValueError("too few runs reach the target for an interval")


def _scaled(x: Numbers, scale: Numbers) -> Numbers:
    """log(1 + C / B) from logarithms, broadcast."""
    return np.asarray(np.logaddexp(0.0, scale - x))


def _nearest_scales(x: Numbers, y: Numbers) -> Numbers:
    """log C [r] with the least squares for each row of log steps `y` [r, n] at log batch sizes `x` [n].

    The best level of log S is the mean residual, so one unknown is left: it is searched on a grid for all rows at once,
    and refined by the parabola through the best value and its neighbours.
    """
    grid = np.linspace(x.min() - REACH, x.max() + REACH, _GRID)
    shapes = _scaled(x, grid[:, None])
    shapes = shapes - shapes.mean(axis=1, keepdims=True)
    rows = y - y.mean(axis=1, keepdims=True)
    squares = (rows**2).sum(axis=1)[:, None] - 2 * rows @ shapes.T + (shapes**2).sum(axis=1)  # [r, grid]
    best = np.argmin(squares, axis=1)
    inner = np.clip(best, 1, _GRID - 2)
    left, middle, right = (squares[np.arange(len(y)), inner + by] for by in (-1, 0, 1))
    bend = left - 2 * middle + right
    move = np.where((best == inner) & (bend > 0), (left - right) / (2 * np.where(bend > 0, bend, 1.0)), 0.0)
    return np.asarray(grid[best] + move * (grid[1] - grid[0]))


def _fit(x: Numbers, y: Numbers, late: NDArray[np.bool_], start: float) -> BatchLaw:
    """From logarithms; `start`: log C as if no run were censored."""
    if not late.any():
        residuals = y - _scaled(x, np.asarray(start))
        level = float(residuals.mean())
        spread = max(float(np.sqrt(np.mean((residuals - level) ** 2))), LEAST_SPREAD)
        return BatchLaw(float(np.exp(level)), float(np.exp(start)), spread)

    def loss(at: Numbers) -> tuple[float, Numbers]:
        level, scale, width = at
        z = (y - level - _scaled(x, scale)) / np.exp(width)
        hidden = log_ndtr(-z[late])
        slope = np.where(late, 0.0, z)  # the derivative of the loss of each run by z
        slope[late] = np.exp(-(z[late] ** 2) / 2 - np.log(2 * np.pi) / 2 - hidden)
        value = float(np.sum(z[~late] ** 2 / 2 + width) - hidden.sum())
        moved = -slope / np.exp(width)
        by_width = float((~late).sum() - (slope * z).sum())
        return value, np.array([moved.sum(), (moved * expit(scale - x)).sum(), by_width])

    bounds = [(None, None), (x.min() - REACH, x.max() + REACH), (np.log(LEAST_SPREAD), None)]
    residuals = y - _scaled(x, np.asarray(start))
    first = np.array([residuals.mean(), start, np.log(max(float(residuals.std()), 0.01))])
    best = minimize(loss, first, jac=True, method="L-BFGS-B", bounds=bounds).x
    return BatchLaw(*(float(np.exp(one)) for one in best))
