"""How far the mean over the seeds of a configuration may lie from the mean over all seeds: draws of the deviation.

Two or three seeds say little about their own spread: a bootstrap over them has a variance too small by (n - 1) / n, and
with that mended its intervals still held the truth in .77 to .91 of simulated cases instead of .95 (docs/log.md,
2026-11-30). So the covariance of the goals over seeds is moderated: that of the configuration itself, with n - 1
degrees of freedom, and the one of all configurations, which counts as `BORROWED` more (Smyth, "Linear models and
empirical Bayes methods", 2004, equation 3, with fixed prior degrees). Deviations are drawn from the multivariate t.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

BORROWED = 4  # degrees of freedom of what all configurations together say


def seed_draws(
    macros: NDArray[np.float64], group: NDArray[np.intp], draws: int, random: np.random.Generator
) -> NDArray[np.float64]:
    """Deviations [draws, configurations, goals] around 0; all goals of a run are drawn together.

    macros: [runs, goals]. group: the number of the configuration of each run [runs]. A configuration with one run has
    the spread of the others; where all have one run, the spread is not known and all deviations are 0.
    """
    count = int(group.max()) + 1
    found = np.zeros((draws, count, macros.shape[1]))
    runs = np.bincount(group, minlength=count)
    deviations = macros - (np.stack([macros[group == i].mean(axis=0) for i in range(count)]))[group]
    degrees = int((runs - 1).sum())
    if degrees == 0:
        return found
    shared = deviations.T @ deviations / degrees
    borrowed = min(BORROWED, degrees)
    for i in range(count):
        own = deviations[group == i]
        total = borrowed + int(runs[i]) - 1
        values, vectors = np.linalg.eigh((borrowed * shared + own.T @ own) / total / runs[i])
        normal = random.standard_normal((draws, macros.shape[1])) * np.sqrt(np.maximum(values, 0.0))
        found[:, i] = normal @ vectors.T / np.sqrt(random.chisquare(total, draws) / total)[:, None]
    return found
