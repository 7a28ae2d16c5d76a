"""What a fit's resamples are made with: deviations of seeds, or of a law where there is one seed, drawn anew.

Two or three seeds a size are few, and a plain bootstrap over them is far too narrow: it misses that the spread itself
is hardly known. Here the deviations of all sizes are drawn from together, in units of the spread at their size, are
enlarged for the mean that they were taken from, and are multiplied in each resample by sqrt(df / chi2(df)). In a linear
model the percentile interval then is the interval of Student's t, which the bootstrap for small samples aims at, too
(Hesterberg 2015, expanded percentile interval).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from scipy import stats

from hybridret.analysis.scaling.fitting import Fit
from hybridret.analysis.scaling.laws import FloatArray
from hybridret.analysis.scaling.series import Series

LEVEL = 0.05  # below this p, seeds' spread does not explain how far sizes are from a law
Source = Literal["seeds", "law", "none"]


@dataclass(frozen=True)
class Draws:
    """Random numbers that the series of the same runs share, so that differences between them are paired.

    picks: [B, n] between 0 and 1, which deviation a run gets. level: [B] between 0 and 1, the quantile of the chi2.
    """

    picks: FloatArray
    level: FloatArray


@dataclass(frozen=True)
class Noise:
    """Where the deviations [m] come from: the spread of `seeds`, distances of sizes from the `law`, or `none` known.

    scale: [k], what a deviation is multiplied by in each cell. freedom: degrees of freedom. misfit: p of the F test
    that distances from the law are no larger than the spread of seeds explains; NaN where it cannot be made.
    """

    source: Source
    deviations: FloatArray
    scale: FloatArray
    freedom: int
    misfit: float = float("nan")


def draws(runs: int, resamples: int, random: np.random.Generator) -> Draws:
    """For `runs` runs and `resamples` resamples."""
    return Draws(random.random((resamples, runs)), random.random(resamples))


def noise_around(series: Series, fit: Fit) -> Noise:
    """The noise of `series` around its fit.

    The spread of seeds, if there are any; but the distances of sizes from the law where these are so large that seeds
    do not explain them (F test), and where there is one seed for each size.
    """
    seeds, left = seed_noise(series), len(series.variables) - len(fit.inner)
    if left < 1:
        return seeds
    away = fit.residuals / series.errors
    misfit = float("nan")
    if seeds.source == "seeds":
        squares, variance = float(np.sum(away**2)), float(np.mean(seeds.deviations**2))
        if squares > 1e-20:
            misfit = float(stats.f.sf(squares / left / variance, left, series.freedom)) if variance > 1e-24 else 0.0
        if not misfit < LEVEL:
            return replace(seeds, misfit=misfit)
    return Noise("law", away * np.sqrt(len(away) / left), series.spread, left, misfit)


def seed_noise(series: Series) -> Noise:
    """The spread of seeds alone; `none` with one seed for each size."""
    if series.freedom < 1:
        return Noise("none", np.zeros(0), series.spread, 0)
    return Noise("seeds", series.standardised, series.spread, series.freedom)


def resampled(series: Series, noise: Noise, draws: Draws) -> FloatArray:
    """Deviations of the mean of each cell in each resample [B, k].

    Raises ValueError where no noise is known.
    """
    if noise.source == "none":
        raise ValueError("one seed for each size, and as many parameters as sizes: no noise is known")
    count = len(noise.deviations)
    picked = noise.deviations[np.minimum((draws.picks * count).astype(np.int64), count - 1)]
    wide = np.sqrt(noise.freedom / stats.chi2.ppf(draws.level, noise.freedom))
    cells = np.eye(len(series.variables))[series.cell] / series.counts[series.cell][:, None]  # [n, k]: means of cells
    found: FloatArray = (picked @ cells) * noise.scale * wide[:, None]
    return found
