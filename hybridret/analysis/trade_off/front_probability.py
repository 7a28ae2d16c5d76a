"""How probable it is that a configuration is on the Pareto front: the share of draws in which it is."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from hybridret.analysis.pareto import pareto_front


def front_probability(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """[configurations], from draws [draws, configurations, goals] in which higher is better."""
    probability: NDArray[np.float64] = pareto_front(values).mean(axis=0)
    return probability
