"""Macro averages over resampled questions, for many draws at once.

A draw is how often each question was taken: counts [questions]. The macro average of a draw is a ratio of two sums for
each cell, because not every question is asked in every cell, and then the mean over cells.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

_CHUNK = 2**22  # numbers in memory at once


def question_counts(questions: int, draws: int, random: np.random.Generator) -> NDArray[np.uint16]:
    """[draws, questions]: how often each question is taken when as many as there are, are drawn with replacement."""
    counts = np.empty((draws, questions), dtype=np.uint16)
    for i in range(draws):
        counts[i] = np.bincount(random.integers(questions, size=questions), minlength=questions)
    return counts


def drawn_macros(values: NDArray[np.float64], counts: NDArray[np.uint16]) -> NDArray[np.float64]:
    """Macro averages of each draw: [draws, configurations].

    values: [configurations, questions, cells], NaN where a question was not asked (in all configurations alike).
    counts: [draws, questions]. A cell none of whose questions was drawn does not count in that draw; a draw without any
    value is NaN. Cells with the same questions are added up first, so that complete data cost one product.
    """
    asked = ~np.isnan(values[0])
    patterns, pattern = np.unique(asked, axis=1, return_inverse=True)
    pattern = pattern.reshape(-1)
    cells = np.bincount(pattern, minlength=patterns.shape[1])
    sums = np.zeros((len(values), *patterns.shape))
    for i, own in enumerate(pattern):
        sums[:, :, own] += np.nan_to_num(values[:, :, i])
    across = sums.transpose(1, 0, 2).reshape(patterns.shape[0], -1)  # [questions, configurations x patterns]
    found = np.empty((len(counts), len(values)))
    step = max(1, _CHUNK // max(across.shape))
    for start in range(0, len(counts), step):
        part = counts[start : start + step].astype(np.float64)
        total = (part @ across).reshape(len(part), len(values), -1)
        number = part @ patterns.astype(np.float64)
        held = (number > 0) @ cells
        mean = (total / np.maximum(number, 1)[:, None, :]).sum(axis=2)
        found[start : start + step] = np.where(held[:, None] > 0, mean / np.maximum(held, 1)[:, None], np.nan)
    return found
