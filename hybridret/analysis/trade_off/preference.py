"""Which configuration a stated preference picks, and how sure the pick is.

A preference is a function of [..., configurations, 2] (monolingual, cross-lingual; higher is better) to picks [...].
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray

from hybridret.analysis.trade_off.resamples import Resamples

WEIGHT = 0.5  # on the first goal
LOSS = 0.005  # of the first goal

Preference = Callable[[NDArray[np.float64]], NDArray[np.intp]]


def by_weight(values: NDArray[np.float64], weight: float = WEIGHT) -> NDArray[np.intp]:
    """The largest `weight` * first + (1 - `weight`) * second goal."""
    return np.asarray(np.argmax(values @ np.array([weight, 1.0 - weight]), axis=-1))


def by_loss(values: NDArray[np.float64], loss: float = LOSS) -> NDArray[np.intp]:
    """The best second goal among those that lose at most `loss` of the best first goal."""
    first = values[..., 0]
    allowed = first >= first.max(axis=-1, keepdims=True) - loss
    return np.asarray(np.argmax(np.where(allowed, values[..., 1], -np.inf), axis=-1))


@dataclass(frozen=True)
class Pick:
    """What a preference picks from the means, against the configuration with the best first goal.

    probability: share of draws in which each configuration is picked [configurations].
    change: (value, low, high) of each goal, the picked one minus the one that is best in the first goal: [2, 3],
        95 % of draws. Both configurations are those of the means; 0 where they are one.
    kept: share of draws in which the picked one loses at most `LOSS` (or what the caller says) of the first goal.
    """

    picked: str
    best_first: str
    probability: NDArray[np.float64]
    change: NDArray[np.float64]
    kept: float


def pick(resamples: Resamples, preference: Preference, loss: float = LOSS) -> Pick:
    """The pick of `preference` on two goals. Raises ValueError unless there are two."""
    observed, values = resamples.oriented_observed, resamples.oriented
    if observed.shape[1] != 2:
        raise ValueError(f"a preference is between two goals, got {observed.shape[1]}")
    best, chosen = int(observed[:, 0].argmax()), int(preference(observed))
    difference = values[:, chosen] - values[:, best]
    low, high = np.quantile(difference, [0.025, 0.975], axis=0)
    return Pick(
        picked=resamples.configurations[chosen],
        best_first=resamples.configurations[best],
        probability=np.bincount(preference(values), minlength=len(observed)) / len(values),
        change=np.stack([observed[chosen] - observed[best], low, high], axis=1),
        kept=float((values[:, chosen, 0] >= values[:, :, 0].max(axis=1) - loss).mean()),
    )


def weighted(weight: float = WEIGHT) -> Preference:
    """`by_weight` with this weight."""
    return partial(by_weight, weight=weight)


def within(loss: float = LOSS) -> Preference:
    """`by_loss` with this loss."""
    return partial(by_loss, loss=loss)
