"""A weighted sum of macro averages of several configurations, with its interval: what every claim is judged on.

effect = sum over configurations c and cells l of weight[c, l] * (mean over seeds and questions of c in l). Two
sources of chance are added: the questions (clusters: all cells of a question at once, averaged over seeds) and the
seeds of each configuration. Their variances come from the data, and the degrees of freedom of the sum from Welch and
Satterthwaite (Biometrics Bulletin 2, 1946), so that two seeds give the wide interval that they deserve. The noise of a
question within a seed is counted in both, which errs on the wide side. With one seed everywhere the spread over seeds
is not known: the interval holds for other questions, not for other seeds.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from hybridret.analysis.question_values import QuestionValues

_ROUNDING = 1e-12


@dataclass(frozen=True)
class Term:
    """What one configuration adds: `weights` [cells] multiply its means in the cells of `values`."""

    values: QuestionValues
    configuration: str
    weights: NDArray[np.float64]


@dataclass(frozen=True)
class Contrast:
    """effect: the sum. error: its standard error, with `freedom` degrees of freedom. runs, questions: what it rests on.
    seeds: the smallest number of seeds of a configuration; with 1 the spread over seeds is not in `error`.
    """

    effect: float
    error: float
    freedom: float
    runs: int
    questions: int
    seeds: int

    def interval(self, level: float = 0.95) -> tuple[float, float]:
        """Two-sided."""
        half = self._quantile(0.5 + level / 2) * self.error
        return self.effect - half, self.effect + half

    def above(self, bound: float) -> float:
        """One-sided p of the null that the effect is at most `bound`."""
        return self._tail(self.effect - bound)

    def below(self, bound: float) -> float:
        """One-sided p of the null that the effect is at least `bound`."""
        return self._tail(bound - self.effect)

    def _tail(self, beyond: float) -> float:
        if self.error < _ROUNDING:  # the same values everywhere: what is left is how sums are rounded
            return 0.0 if beyond > _ROUNDING else 1.0
        return float(stats.t.sf(beyond / self.error, self.freedom))

    def scaled(self, factor: float, shift: float = 0.0) -> Contrast:
        """`factor` times the effect plus `shift`, for `factor` > 0."""
        return replace(self, effect=factor * self.effect + shift, error=factor * self.error)

    def _quantile(self, share: float) -> float:
        return float(stats.t.ppf(share, self.freedom))


def macro_weights(values: QuestionValues, languages: Sequence[str] = ()) -> NDArray[np.float64]:
    """Equal weights [cells] of the cells whose query language is one of `languages` (all without any), sum 1.

    Raises ValueError where no cell is left.
    """
    chosen = np.array([not languages or query in languages for query, _ in values.cells])
    chosen &= values.asked.any(axis=0)
    if not chosen.any():
        raise ValueError(f"no cell has a query language among {', '.join(languages)}")
    weights: NDArray[np.float64] = chosen / chosen.sum()
    return weights


def contrast(terms: Sequence[Term]) -> Contrast:
    """The sum of `terms`. Terms of one `QuestionValues` share its questions; those of others are independent of them.

    Raises ValueError where a question set has one question: nothing is known of the spread.
    """
    effect, runs = 0.0, 0
    seeds: list[int] = []
    pieces: list[tuple[float, int]] = []  # variance and its degrees of freedom
    influence: dict[int, NDArray[np.float64]] = {}
    for term in terms:
        values, shares = np.nan_to_num(term.values.of(term.configuration)), _shares(term)
        each = np.einsum("sql,ql->s", values, shares)
        effect += float(each.mean())
        runs, seeds = runs + len(each), [*seeds, len(each)]
        if len(each) > 1:
            pieces.append((float(each.var(ddof=1)) / len(each), len(each) - 1))
        # Around the mean of a cell: a question that was asked in few languages is no outlier for that.
        averaged = values.mean(axis=0)
        middle = (averaged * term.values.asked).sum(axis=0) / np.maximum(term.values.asked.sum(axis=0), 1)
        own = ((averaged - middle) * shares).sum(axis=1)
        influence[id(term.values)] = influence.get(id(term.values), np.zeros(len(own))) + own
    for own in influence.values():
        if len(own) < 2:
            raise ValueError("one question says nothing of the spread over questions")
        pieces.append((float((own**2).sum()) * len(own) / (len(own) - 1), len(own) - 1))
    variance = sum(piece for piece, _ in pieces)
    freedom = variance**2 / sum(piece**2 / free for piece, free in pieces) if variance else float("inf")
    questions = max(len(own) for own in influence.values())
    return Contrast(effect, float(np.sqrt(variance)), freedom, runs, questions, min(seeds))


def _shares(term: Term) -> NDArray[np.float64]:
    """What a value adds to the weighted mean of cells: [questions, cells]."""
    asked = term.values.asked
    shares: NDArray[np.float64] = np.where(asked, term.weights / np.maximum(asked.sum(axis=0), 1), 0.0)
    return shares
