"""Are two configurations as good as each other, or is one at least not worse: two one-sided tests (Schuirmann 1987).

A difference that is not significant is no proof of equality. Here the null hypothesis is that the difference is at
least the margin; the difference is shifted by it and tested against 0.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.special import stdtr

from hybridret.analysis.question_values import QuestionValues
from hybridret.analysis.significance.system_values import system_values
from hybridret.analysis.significance.variance import spread, t_interval


@dataclass(frozen=True)
class Equivalence:
    """difference: macro average of a minus b. low, high: its interval with coverage 1 - 2 level, the one that goes with
    two one-sided tests at `level`; unknown seeds as in `comparisons`. p_above: that the difference is not above
    -margin; p_below: that it is not below +margin; p: of both. equal: the interval lies within the margin. a_not_worse:
    a falls behind b by less than the margin, whichever direction is better. All NaN and False with one question.
    """

    difference: float
    low: float
    high: float
    margin: float
    p_above: float
    p_below: float
    equal: bool
    a_not_worse: bool

    @property
    def p(self) -> float:
        """Of equality within the margin: the larger one of both tests."""
        return max(self.p_above, self.p_below)


def equivalence(values: QuestionValues, a: str, b: str, margin: float, level: float = 0.05) -> Equivalence:
    """Raises KeyError for an unknown configuration, ValueError unless the margin is above 0."""
    if not margin > 0:
        raise ValueError(f"the margin of equivalence must be above 0, got {margin}")
    for name in (a, b):
        values.of(name)
    systems = system_values(values.only([a, b]))
    pairs = np.array([[systems.names.index(a), systems.names.index(b)]])
    difference = systems.mean[pairs[:, 0]] - systems.mean[pairs[:, 1]]
    parts = spread(systems, pairs)
    low, high = t_interval(difference, parts.total, parts.freedom, 2.0 * level)
    found, error, freedom = difference.item(), float(np.sqrt(parts.total.item())), parts.freedom.item()
    above, below = (_tail(found + margin, error, freedom), _tail(margin - found, error, freedom))
    not_worse = low.item() > -margin if values.better > 0 else high.item() < margin
    return Equivalence(
        found, low.item(), high.item(), margin, above, below, -margin < low.item() <= high.item() < margin, not_worse
    )


def _tail(distance: float, error: float, freedom: float) -> float:
    """One-sided p of a distance above 0."""
    if error == 0.0:
        return 0.0 if distance > 0 else 1.0
    return float(stdtr(freedom, -distance / error))
