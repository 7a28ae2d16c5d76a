"""Hierarchical bootstrap over seeds and questions, with BCa intervals (Efron 1987; DiCiccio and Efron 1996).

Questions are drawn once for all systems, since all answer the same ones; seeds are drawn within each configuration.
With one seed the interval is over questions alone. With few seeds it is too narrow: two seeds that are drawn with
replacement show half of their variance (docs/analysis/significance.md has what was measured), so `comparisons` takes
`variance` there.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr, ndtri

from hybridret.analysis.question_values import QuestionValues
from hybridret.analysis.significance.system_values import SystemValues

MEMORY = 128 * 2**20  # bytes that one block of draws takes, beside the values and the result


def resampled_means(
    values: QuestionValues, resamples: int = 2_000, seed: int = 0, memory: int = MEMORY
) -> NDArray[np.float64]:
    """Macro averages of the configurations in every resample: [resamples, configurations in the order of `names`].

    A question that is drawn k times counts k times in every cell that it was asked in. A cell of which no question is
    drawn is left out of that average; NaN if all are. Counts of draws [resamples, questions] times values is the whole
    work, in blocks of resamples that need `memory` bytes, at least one resample.
    """
    runs, questions, cells = values.values.shape
    asked = values.asked
    whole = bool(asked.all())
    known = np.nan_to_num(values.values)
    columns = known.mean(axis=2).T if whole else None  # [questions, runs]: cells weigh the same
    rows = max(1, memory // (8 * (3 * questions + 3 * runs + cells)))
    over_seeds = _seed_weights(values, resamples, seed)
    found = np.empty((resamples, len(values.names)))
    start = 0
    for counts in question_counts(questions, resamples, seed, rows):
        means = _mean_of_cells(counts, known, asked) if columns is None else counts @ columns / questions
        stop = start + len(counts)
        for i, (members, weights) in enumerate(over_seeds):
            found[start:stop, i] = (means[:, members] * weights[start:stop]).sum(axis=1)
        start = stop
    return found


def _mean_of_cells(
    counts: NDArray[np.float64], known: NDArray[np.float64], asked: NDArray[np.bool_]
) -> NDArray[np.float64]:
    """[block, runs]: the mean over cells of the mean over drawn questions."""
    total = np.zeros((len(counts), len(known)))
    filled = np.zeros(len(counts))
    for cell in range(known.shape[2]):
        drawn = counts @ asked[:, cell]
        total += counts @ known[:, :, cell].T / np.maximum(drawn, 1.0)[:, None]
        filled += drawn > 0
    mean: NDArray[np.float64] = total / np.where(filled > 0, filled, np.nan)[:, None]
    return mean


def question_counts(questions: int, resamples: int, seed: int, rows: int) -> Iterator[NDArray[np.float64]]:
    """Blocks [up to rows, questions] of how often each question is drawn; they do not depend on `rows`."""
    random = np.random.default_rng([seed, 0])
    for start in range(0, resamples, rows):
        block = min(rows, resamples - start)
        drawn = random.integers(questions, size=(block, questions), dtype=np.int64)
        drawn += np.arange(block)[:, None] * questions
        counts = np.bincount(drawn.ravel(), minlength=block * questions)
        yield counts.reshape(block, questions).astype(np.float64)


def _seed_weights(values: QuestionValues, resamples: int, seed: int) -> list[tuple[list[int], NDArray[np.float64]]]:
    """For each configuration its runs and the weights [resamples, seeds] that they are drawn with."""
    random = np.random.default_rng([seed, 1])
    found = []
    for name in values.names:
        members = [i for i, own in enumerate(values.configurations) if own == name]
        share = np.full(len(members), 1.0 / len(members))
        found.append((members, random.multinomial(len(members), share, size=resamples) / len(members)))
    return found


def acceleration(systems: SystemValues, pairs: NDArray[np.int64]) -> NDArray[np.float64]:
    """The skewness that BCa corrects, from the jackknife over questions: [comparisons] of the first target.

    The values that the jackknife gives are the influences of the questions, up to a factor that cancels out.
    """
    found = np.zeros(len(pairs))
    for i, (a, b) in enumerate(pairs):
        influence = systems.influence[a, :, 0] - systems.influence[b, :, 0]
        squares = (influence**2).sum()
        if squares > 0:
            found[i] = (influence**3).sum() / (6.0 * squares**1.5)
    return found


def bca_interval(
    observed: NDArray[np.float64],
    resampled: NDArray[np.float64],
    skewness: NDArray[np.float64],
    level: float = 0.05,
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Lower and upper ends [comparisons] of the intervals with coverage 1 - level.

    observed: [comparisons]; resampled: [resamples, comparisons], NaN (nothing drawn) left out; skewness: of
    `acceleration`. Where all resamples lie on one side of the observed value, its bias is not known: the ends are NaN
    unless nothing varies.
    """
    low, high = np.full_like(observed, np.nan), np.full_like(observed, np.nan)
    tails = ndtri(np.array([level / 2.0, 1.0 - level / 2.0]))
    for i, value in enumerate(observed):
        draws = np.sort(resampled[:, i][~np.isnan(resampled[:, i])])
        if not len(draws):
            continue
        if np.ptp(draws) <= 1e-12 * max(1.0, abs(value)):
            low[i] = high[i] = value
            continue
        below = (np.searchsorted(draws, value, "left") + np.searchsorted(draws, value, "right")) / (2.0 * len(draws))
        if not 0.0 < below < 1.0:
            continue
        bias = ndtri(below)
        moved = bias + tails
        low[i], high[i] = np.quantile(draws, ndtr(bias + moved / (1.0 - skewness[i] * moved)))
    return low, high
