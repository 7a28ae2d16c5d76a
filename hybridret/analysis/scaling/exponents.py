"""The question of a sweep over sizes: how fast each setting gains, whether settings or strategies differ in it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from hybridret.analysis.scaling.bands import Band, band, interval
from hybridret.analysis.scaling.laws import OFFSET, POWER, FloatArray, Law
from hybridret.analysis.scaling.noise import Draws
from hybridret.analysis.scaling.series import Series

FEWEST = 3  # sizes
RANGE = 8.0  # the largest size over the smallest one
FAILURES = 0.025  # a larger share of failed refits leaves an interval without ends


@dataclass(frozen=True)
class Judged:
    """A value with its interval (NaN: none). reason: why it is undecided, "" where it is decided: continues
    "undecided, because ..."."""

    value: float
    low: float
    high: float
    reason: str = ""

    @property
    def decided(self) -> bool:
        return not self.reason


@dataclass(frozen=True)
class Exponent:
    """Of one series. doubt: why it cannot be compared with others, "" where it can; an interval around 0 is no doubt.
    draws: in each resample [B], NaN of failed refits."""

    judged: Judged
    doubt: str
    band: Band
    draws: FloatArray


def too_few(sizes: FloatArray) -> str:
    """Why sizes [k] can say nothing about a law, "" where they can."""
    if len(sizes) < FEWEST:
        number = {0: "no size was", 1: "only one size was", 2: "only two sizes were"}[len(sizes)]
        return f"{number} trained"
    if (factor := float(sizes.max() / sizes.min())) < RANGE:
        return f"the largest size is only {factor:.3g} times the smallest one"
    return ""


def exponent(law: Law, series: Series, draws: Draws, questions: FloatArray | None = None) -> Exponent:
    """The exponent a of `law` (power or offset) for a series in one variable, judged.

    An exponent with an offset cannot be below 0, so whether the loss falls at all is judged by the law without one.
    Raises ValueError for another law, or where there are fewer sizes than parameters.
    """
    if law not in (POWER, OFFSET):
        raise ValueError(f"{law.name} has no exponent of one variable")
    found = band(law, series, draws, questions)
    trend = found if law is POWER else band(POWER, series, draws, questions)
    return judged_exponent(found, trend, series.variables[:, 0])


def judged_exponent(found: Band, trend: Band, sizes: FloatArray) -> Exponent:
    """The exponent of `found`, judged by it, by the power law `trend` of the same series, and by its sizes [k]."""
    own = found.draws_of("a")
    low, high = interval(own)
    doubt = too_few(sizes) or _doubt(found) or _doubt(trend)
    reason = doubt or around_zero(*interval(trend.draws_of("a")))
    return Exponent(Judged(found.fit.parameters["a"], low, high, reason), doubt, found, own)


def difference(first: Exponent, second: Exponent) -> Judged:
    """The exponent of `first` minus that of `second`. Draws of the same runs make it a paired difference."""
    value = first.judged.value - second.judged.value
    both = len(first.draws) and len(second.draws)
    low, high = interval(first.draws - second.draws if both else np.zeros(0))
    return Judged(value, low, high, first.doubt or second.doubt or around_zero(low, high))


def _doubt(found: Band) -> str:
    if not found.fit.converged:
        return "the fit does not converge"
    if found.fit.at_bound:
        return "the data do not determine the exponent: the fit ends at its bound"
    if not found.known:
        return "there is one seed for each size, and the law has as many parameters as there are sizes"
    if found.failures > FAILURES * len(found.inner):
        return f"the fit does not converge in {found.failures:,} of {len(found.inner):,} resamples"
    if (ends := int(found.at_bound.sum())) > FAILURES * len(found.inner):
        return f"the data do not determine the exponent: {ends:,} of {len(found.inner):,} resamples end at its bound"
    return ""


def around_zero(low: float, high: float) -> str:
    """Why an interval leaves a direction undecided, "" where it does not."""
    return "the interval includes 0" if low <= 0 <= high else ""
