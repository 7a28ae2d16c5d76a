"""Whether a strategy's lead over the better of two others grows with size: hybrid - max(mono, cross) against log size.

The gap is on the metric's own scale, because it is read as a difference of scores; larger is better for the strategy.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import stats

from hybridret.analysis.scaling.bands import COVERED, interval, intervals
from hybridret.analysis.scaling.exponents import Judged, around_zero, too_few
from hybridret.analysis.scaling.laws import FloatArray
from hybridret.analysis.scaling.noise import LEVEL, Draws, resampled, seed_noise
from hybridret.analysis.scaling.series import Series


@dataclass(frozen=True)
class Gap:
    """sizes, values: of each size that all strategies have [k]; intervals: [k, 2], NaN where seeds have no spread.
    slope: for each factor of ten in size."""

    sizes: FloatArray
    values: FloatArray
    intervals: FloatArray
    slope: Judged


def gap(
    own: Series,
    others: Sequence[Series],
    better: int,
    draws: Sequence[Draws],
    questions: Sequence[FloatArray | None] | None = None,
) -> Gap:
    """The gap between `own` and the best of `others` at each common size, and its slope against log10 of the size.

    `better`: +1 where higher values are better, -1 where lower ones are. `draws`: of `own`, then of the others;
    `questions`: likewise, what other questions add to the values [B, k]. The better one of `others` is found anew at
    each size and in each resample, so that its choice is part of the interval; where two are equally good, the better
    of two noisy means is too good by up to .56 standard errors, and the gap too small by that.
    With one seed for each size there is no spread of seeds; then the distances of the sizes from the line give the
    slope's interval (Student's t). Raises ValueError without a common size.
    """
    every = [own, *others]
    common = sorted(set.intersection(*(set(one.variables[:, 0]) for one in every)))
    if not common:
        raise ValueError("no size was trained with all of the strategies")
    sizes = np.array(common)
    cells = [np.searchsorted(one.variables[:, 0], sizes) for one in every]
    values = _lead(np.array([better * one.means[i] for one, i in zip(every, cells, strict=True)]))
    noises = [seed_noise(one) for one in every]
    nothing = np.full((len(sizes), 2), np.nan)
    if any(one.source == "none" for one in noises):
        return Gap(sizes, values, nothing, _judged(sizes, values, _from_line(sizes, values)))
    moved = []
    for i, one in enumerate(every):
        shift = resampled(one, noises[i], draws[i])
        more = questions[i] if questions is not None else None
        moved.append(better * (one.means + shift + (0.0 if more is None else more))[:, cells[i]])
    drawn = _lead(np.array(moved))
    ends = interval(slope_of(sizes, drawn)) if len(sizes) > 1 else (float("nan"), float("nan"))
    if len(sizes) > 2:
        chance = _distance(sizes, drawn - values)
        if float(np.mean(chance >= _distance(sizes, values))) < LEVEL:  # further from the line than seeds explain
            ends = _from_line(sizes, values)
    return Gap(sizes, values, intervals(drawn), _judged(sizes, values, ends))


def _lead(values: FloatArray) -> FloatArray:
    """[1 + others, ..., k] -> [..., k]"""
    lead: FloatArray = values[0] - values[1:].max(axis=0)
    return lead


def slope_of(sizes: FloatArray, values: FloatArray) -> FloatArray:
    """Least squares slope of values [..., k] against log10 of two sizes or more [k]: [...]."""
    logs = _centred(sizes)
    slope: FloatArray = values @ logs / float(logs @ logs)
    return slope


def _centred(sizes: FloatArray) -> FloatArray:
    logs: FloatArray = np.log10(sizes)
    centred: FloatArray = logs - logs.mean()
    return centred


def _distance(sizes: FloatArray, values: FloatArray) -> FloatArray:
    """Sum of squares of values [..., k] around their line: [...]."""
    line = values.mean(axis=-1, keepdims=True) + slope_of(sizes, values)[..., None] * _centred(sizes)
    distance: FloatArray = np.sum((values - line) ** 2, axis=-1)
    return distance


def _from_line(sizes: FloatArray, values: FloatArray) -> tuple[float, float]:
    """Student's interval of the slope, from the distances of the sizes [k] from the line."""
    freedom = len(sizes) - 2
    if freedom < 1:
        return float("nan"), float("nan")
    logs = _centred(sizes)
    error = np.sqrt(_distance(sizes, values) / freedom / float(logs @ logs))
    half = float(stats.t.ppf(0.5 + COVERED / 2, freedom) * error)
    slope = float(slope_of(sizes, values))
    return slope - half, slope + half


def _judged(sizes: FloatArray, values: FloatArray, ends: tuple[float, float]) -> Judged:
    slope = float(slope_of(sizes, values)) if len(sizes) > 1 else float("nan")
    return Judged(slope, *ends, too_few(sizes) or around_zero(*ends))
