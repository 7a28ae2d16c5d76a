"""The largest size from the smaller ones, with its error; and the choice between laws by such errors."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from hybridret.analysis.scaling.bands import band, interval
from hybridret.analysis.scaling.fitting import fit
from hybridret.analysis.scaling.laws import ONE_VARIABLE, FloatArray, Law
from hybridret.analysis.scaling.noise import Draws, resampled, seed_noise
from hybridret.analysis.scaling.series import Series

ENOUGH = 2.0  # times the smallest held-out error: what a simpler law may have


@dataclass(frozen=True)
class HeldOut:
    """One size, predicted from the smaller ones; all values are log L.

    low, high: where the mean over the seeds of that size should be, its own noise included; NaN where no noise is
        known.
    """

    law: str
    variable: float
    fitted_sizes: int
    predicted: float
    low: float
    high: float
    observed: float
    failures: int

    @property
    def error(self) -> float:
        """Predicted minus observed log L; .1 means that L was predicted 10 % too high."""
        return self.predicted - self.observed

    @property
    def covered(self) -> bool | None:
        """Whether the interval holds what was observed; None without an interval."""
        return None if np.isnan(self.low) else self.low <= self.observed <= self.high


def held_out(law: Law, series: Series, draws: Draws, questions: FloatArray | None = None) -> HeldOut | None:
    """The largest size of a `series` in one variable, predicted by `law`; None where the smaller sizes are fewer than
    its parameters, or than two. `draws` are those of the whole series; `questions` [B, k] as in `band`.
    """
    last = len(series.variables) - 1
    if last < max(2, len(law.parameters)):
        return None
    smaller, size = series.without(last), series.variables[[last]]
    kept = series.cell != last
    own = Draws(draws.picks[:, kept], draws.level)
    found = band(law, smaller, own, None if questions is None else questions[:, :last])
    predicted, observed = float(found.fit.log_loss(size)[0]), float(series.means[last])
    low, high = float("nan"), float("nan")
    if found.known:
        # The new size has noise of its own, as its seeds have it, else as the smaller sizes have it.
        noise = seed_noise(series)
        if noise.source == "seeds":
            new = resampled(series, noise, draws)[:, last]
        else:
            new = resampled(smaller, found.noise, Draws(draws.picks[:, ~kept].repeat(kept.sum(), 1), draws.level))[:, 0]
        if questions is not None:
            new = new - questions[:, last]
        low, high = interval(found.curves(size)[:, 0] + new)
    return HeldOut(law.name, float(size[0, 0]), last, predicted, low, high, observed, found.failures)


def choose_law(every: Sequence[Series]) -> tuple[Law, dict[str, float]]:
    """The simplest law of one variable whose held-out error over all series is at most `ENOUGH` times the smallest one,
    and the errors of the laws: a handful of predictions cannot tell errors apart that are closer.

    Each size from the fourth on is predicted from the smaller ones; the error is the root mean square over sizes and
    series of predicted minus observed log L. All laws are judged on the same sizes. Of series with three sizes the
    third is predicted from two, which cannot be done with an offset. One law for all, so that exponents compare.
    Raises ValueError where no series has three sizes.
    """
    sizes = max((len(one.variables) for one in every), default=0)
    if sizes < 3:
        raise ValueError("a law is chosen by predicting a third size from two; there are fewer")
    laws = [law for law in ONE_VARIABLE if len(law.parameters) < sizes]
    first = max(len(law.parameters) for law in laws)
    errors: dict[str, list[float]] = {law.name: [] for law in laws}
    for one in every:
        for cut in range(first, len(one.variables)):
            for law in laws:
                found = fit(law, one.variables[:cut], one.means[:cut], one.errors[:cut])
                errors[law.name].append(float(found.log_loss(one.variables[[cut]])[0] - one.means[cut]))
    mean = {name: float(np.sqrt(np.mean(np.square(found)))) for name, found in errors.items()}
    least = min(mean.values())
    by_size = sorted(laws, key=lambda law: len(law.parameters))
    return next(law for law in by_size if mean[law.name] <= ENOUGH * least), mean
