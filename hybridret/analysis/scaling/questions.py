"""What drawing other questions changes: macro averages of runs under resampled questions (clusters, not queries)."""

from __future__ import annotations

import numpy as np

from hybridret.analysis.question_values import QuestionValues
from hybridret.analysis.scaling.laws import FloatArray

TOGETHER = 256  # resamples in memory


def question_counts(questions: int, resamples: int, random: np.random.Generator) -> FloatArray:
    """How often each of `questions` is drawn in each resample [B, questions], drawn with repetition."""
    share = np.full(questions, 1.0 / questions)
    return random.multinomial(questions, share, size=resamples).astype(np.float64)


def resampled_macro(values: QuestionValues, counts: FloatArray) -> FloatArray:
    """The macro average of each run in each resample [B, runs]: mean over the drawn questions of a cell, then over
    cells.

    `counts` [B, questions] belong to `values.questions`. A cell without any drawn question is left out of its
    resample.
    """
    asked = values.asked
    known = np.nan_to_num(values.values)
    if asked.all():
        # Every cell has all questions: means over cells and over questions can change places.
        found: FloatArray = counts @ known.mean(axis=2).T / counts.sum(axis=1, keepdims=True)
        return found
    parts = []
    for start in range(0, len(counts), TOGETHER):
        some = counts[start : start + TOGETHER]
        drawn = some @ asked.astype(np.float64)
        there = drawn > 0
        shares = there / np.maximum(there.sum(axis=1, keepdims=True), 1) / np.maximum(drawn, 1e-9)
        parts.append(np.stack([np.sum(some @ one * shares, axis=1) for one in known], axis=1))
    return np.concatenate(parts)
