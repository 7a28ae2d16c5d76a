"""Draws without what moves all configurations together: a draw of hard questions makes all of them worse.

Differences between configurations stay as they are, in logarithms for goals of which less is better. What is measured
against something fixed, as a hypervolume against its reference, would else mostly show how hard the questions were.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from hybridret.analysis.trade_off.resamples import Resamples


def without_common_shift(draws: Resamples) -> Resamples:
    """In each draw and goal the mean over configurations becomes that of `observed`: a geometric mean, and so a factor,
    where less is better and all values are positive."""
    factor = (np.asarray(draws.better) < 0) & (draws.values > 0).all(axis=(0, 1)) & (draws.observed > 0).all(axis=0)
    values, observed = (np.where(factor, np.log(np.where(factor, v, 1.0)), v) for v in (draws.values, draws.observed))
    moved = values + observed.mean(axis=0) - values.mean(axis=1, keepdims=True)
    return replace(draws, values=np.where(factor, np.exp(np.where(factor, moved, 0.0)), moved))
