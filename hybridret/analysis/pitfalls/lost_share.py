"""The share of found questions that a configuration loses over all pairs, with the question as the unit."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hybridret.analysis.pitfalls.lost import LostQuestions

LEVEL = 95.0


@dataclass(frozen=True)
class LostShare:
    """`share`: questions lost, of those found, counted over all pairs; low, high: 95% interval over questions (of these
    runs). `found`, `lost`: the two counts. NaN where nothing was found."""

    share: float
    low: float
    high: float
    found: int
    lost: int


@dataclass(frozen=True)
class ShareDifference:
    """The share of one configuration minus that of another, drawn with the same questions; low, high at 95%."""

    difference: float
    low: float
    high: float


def question_weights(questions: int, resamples: int, seed: int) -> NDArray[np.float64]:
    """How often each question is drawn in each resample: [resamples, questions], rows sum to `questions`."""
    random = np.random.default_rng(seed)
    return random.multinomial(questions, np.full(questions, 1 / questions), size=resamples).astype(np.float64)


def lost_share(lost: LostQuestions, resamples: int, seed: int) -> LostShare:
    """Percentile bootstrap over questions: all pairs of a question are drawn together. Where nothing or all is lost no
    draw differs; the interval is then Clopper and Pearson's, with a question as one trial."""
    gone, found = _counts(lost)
    draws = _drawn(gone, found, question_weights(len(gone), resamples, seed))
    low, high = _interval(draws)
    least = float(((1 - LEVEL / 100) / 2) ** (1 / max(int((found > 0).sum()), 1)))
    if gone.sum() == 0 < found.sum():
        high = 1 - least
    elif gone.sum() == found.sum() > 0:
        low = least
    return LostShare(_ratio(gone, found), low, high, int(found.sum()), int(gone.sum()))


def share_difference(
    first: LostQuestions, second: LostQuestions, resamples: int, seed: int, among: int = 2
) -> ShareDifference:
    """Paired: both shares are computed from the same draw of questions.

    among: of how many configurations the two are those that lose most and least. Such extremes differ by chance alone;
    the interval is wider by Tukey's factor, the studentized range of so many over that of two, so that it
    seldom leaves out 0 where all are equal. Raises ValueError where the questions differ.
    """
    if first.questions != second.questions:
        raise ValueError("the two configurations were asked other questions")
    weights = question_weights(len(first.questions), resamples, seed)
    one, two = _counts(first), _counts(second)
    difference = _ratio(*one) - _ratio(*two)
    low, high = _interval(_drawn(*one, weights) - _drawn(*two, weights))
    wider = _tukey(among)
    return ShareDifference(
        difference, difference + wider * (low - difference), difference + wider * (high - difference)
    )


def _tukey(among: int) -> float:
    if among <= 2:
        return 1.0
    from scipy.stats import norm, studentized_range  # half a second, which two do not need

    level = LEVEL / 100
    return float(studentized_range.ppf(level, among, np.inf) / np.sqrt(2.0) / norm.ppf(0.5 + level / 2))


def _counts(lost: LostQuestions) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Pairs [questions] in which each question is lost, and in which it is found."""
    return lost.is_lost.sum(axis=1).astype(np.float64), lost.found.sum(axis=1).astype(np.float64)


def _ratio(gone: NDArray[np.float64], found: NDArray[np.float64]) -> float:
    return float(gone.sum() / found.sum()) if found.sum() else float("nan")


def _drawn(gone: NDArray[np.float64], found: NDArray[np.float64], weights: NDArray[np.float64]) -> NDArray[np.float64]:
    total = weights @ found
    ratio: NDArray[np.float64] = np.divide(weights @ gone, total, out=np.full(len(weights), np.nan), where=total > 0)
    return ratio


def _interval(draws: NDArray[np.float64]) -> tuple[float, float]:
    if np.isnan(draws).all():
        return float("nan"), float("nan")
    low, high = np.nanpercentile(draws, [(100 - LEVEL) / 2, (100 + LEVEL) / 2])
    return float(low), float(high)
