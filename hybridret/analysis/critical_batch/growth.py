"""How the critical batch size grows: a power law in what varies, such as parameters and training data.

    log B* = c + k_1 log x_1 + k_2 log x_2 + ...

by least squares over the groups of runs. Zhang et al. 2024 (arXiv 2410.21676) find k of about .47 for data, and about 0
for parameters at the same data, in language models.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Numbers = NDArray[np.float64]


@dataclass(frozen=True)
class Exponent:
    """`value` with its interval `low` to `high`, from `levels` different values of what varies."""

    value: float
    low: float
    high: float
    levels: int


def exponents(critical: Numbers, draws: Numbers, by: Mapping[str, Numbers], level: float = 0.95) -> dict[str, Exponent]:
    """The exponent of each of `by` (name -> value of each group [g], above 0) that takes at least two values.

    critical: B* of each group [g]; draws: repetitions of it [g, resamples]. Intervals are percentiles of the exponents
    of the repetitions. Names whose values cannot be told apart (one is a multiple of a power of the others), or more
    unknowns than groups, give no exponent at all.
    """
    varying = {name: np.log(np.asarray(one, dtype=np.float64)) for name, one in by.items() if len(np.unique(one)) > 1}
    design = np.column_stack([np.ones(len(critical)), *varying.values()])
    if not varying or np.linalg.matrix_rank(design) < design.shape[1]:
        return {}
    solve = np.linalg.pinv(design)  # [1 + names, g]
    found, spread = solve @ np.log(critical), solve @ np.log(draws)
    low, high = np.quantile(spread, [(1 - level) / 2, (1 + level) / 2], axis=1)
    return {
        name: Exponent(float(found[i]), float(low[i]), float(high[i]), len(np.unique(varying[name])))
        for i, name in enumerate(varying, 1)
    }
