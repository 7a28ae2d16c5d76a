"""Bootstrap of a fit: parameters, exponents and curves with percentile intervals.

Each resample is the fitted curve plus deviations of seeds (`noise`), plus, where values of single questions are given,
what drawing other questions changes; the law is fitted to it again.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from hybridret.analysis.scaling.fitting import BoolArray, Fit, exponent_at_bound, fit, refit
from hybridret.analysis.scaling.laws import FloatArray, Law
from hybridret.analysis.scaling.noise import Draws, Noise, noise_around, resampled
from hybridret.analysis.scaling.series import Series

COVERED = 0.95


@dataclass(frozen=True)
class Band:
    """A fit with its resamples.

    inner: parameters of each refit [B, p]; B is 0 where no noise is known. failed: refits that came to no end [B].
    at_bound: refits with an exponent at its bound [B]; they count as they are.
    """

    fit: Fit
    noise: Noise
    inner: FloatArray
    failed: BoolArray
    at_bound: BoolArray

    @property
    def known(self) -> bool:
        """Whether there are intervals."""
        return len(self.inner) > 0

    @property
    def failures(self) -> int:
        """Refits that came to no end."""
        return int(self.failed.sum())

    def draws_of(self, parameter: str) -> FloatArray:
        """A natural parameter in each resample [B], NaN of failed ones."""
        found = self.fit.law.natural(self.inner, self.fit.middle)[..., self.fit.law.parameters.index(parameter)]
        return np.where(self.failed, np.nan, found)

    def intervals(self, covered: float = COVERED) -> Mapping[str, tuple[float, float]]:
        """Of each natural parameter; NaN where no noise is known."""
        return {name: interval(self.draws_of(name), covered) for name in self.fit.law.parameters}

    def curves(self, variables: FloatArray) -> FloatArray:
        """log L in each resample at `variables` [k, v]: [B, k], NaN of failed ones."""
        found = self.fit.log_loss(variables, self.inner)
        return np.where(self.failed[:, None], np.nan, found)


def band(law: Law, series: Series, draws: Draws, questions: FloatArray | None = None) -> Band:
    """`law` fitted to `series` and to each resample. `questions` [B, k]: what other questions add to log L.

    Raises ValueError where the series has fewer cells than the law parameters.
    """
    first = fit(law, series.variables, series.means, series.errors)
    noise = noise_around(series, first)
    if noise.source == "none":
        return Band(first, noise, np.zeros((0, len(first.inner))), np.zeros(0, bool), np.zeros(0, bool))
    values = first.log_loss(series.variables) + resampled(series, noise, draws)
    values = values if questions is None else values + questions
    inner, squares = refit(first, series.variables, values, series.errors)
    return Band(first, noise, inner, np.isnan(squares), exponent_at_bound(law, inner, law.bounds(values)))


def interval(draws: FloatArray, covered: float = COVERED) -> tuple[float, float]:
    """The percentile interval of resampled values [B]. A failed one (NaN) counts as beyond both ends, so that failures
    make an interval wider, and at last infinite, and never narrower. (NaN, NaN) without any.
    """
    if not len(draws):
        return float("nan"), float("nan")
    tail = (1 - covered) / 2
    missing = np.isnan(draws)
    low = np.quantile(np.where(missing, -np.inf, draws), tail, method="inverted_cdf")
    high = np.quantile(np.where(missing, np.inf, draws), 1 - tail, method="inverted_cdf")
    return float(low), float(high)


def intervals(draws: FloatArray, covered: float = COVERED) -> FloatArray:
    """`interval` of each column of [B, k]: [k, 2]."""
    return np.array([interval(column, covered) for column in draws.T]).reshape(-1, 2)
