"""A weighted sum of macro averages of several configurations, with its interval: what every claim is judged on.

effect = sum over configurations c and cells l of weight[c, l] * (mean over seeds and questions of c in l). Two
sources of chance are added: the questions (clusters: all cells of a question at once, averaged over seeds) and the
seeds of each configuration, less the noise of a question within a seed, which stands in both. Intervals and p are those
of `significance` (`variance`): on the difference of two configurations both give the same numbers. With one seed
everywhere the spread over seeds is not known: the interval holds for other questions, not for other seeds.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from hybridret.analysis.question_values import QuestionValues
from hybridret.analysis.significance.system_values import variance_of_mean
from hybridret.analysis.significance.variance import p_over_spreads, satterthwaite, seed_freedom

_ROUNDING = 1e-12


@dataclass(frozen=True)
class Term:
    """What one configuration adds: `weights` [cells] multiply its means in the cells of `values`."""

    values: QuestionValues
    configuration: str
    weights: NDArray[np.float64]


@dataclass(frozen=True)
class Chance:
    """Variances of an effect, each with its degrees of freedom.

    questions, degrees: over questions. of_seeds, freedom: over seeds, where these spread equally in all configurations.
    interaction: what stands in both, the noise of a question within a seed.
    """

    questions: float
    degrees: float
    of_seeds: float
    freedom: float
    interaction: float


@dataclass(frozen=True)
class Contrast:
    """effect: the sum. error: its standard error, with `freedom` degrees of freedom (Satterthwaite). chance: where it
    comes from. runs, questions: what it rests on. seeds: the smallest number of seeds of a configuration; with 1 the
    spread over seeds is not in `error`.
    """

    effect: float
    error: float
    freedom: float
    chance: Chance
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
        own = self.chance
        parts = [np.array(one) for one in (own.questions, own.degrees, own.of_seeds, own.interaction, own.freedom)]
        half = float(p_over_spreads(np.array(beyond), *parts)) / 2
        return half if beyond > 0 else 1.0 - half

    def scaled(self, factor: float, shift: float = 0.0) -> Contrast:
        """`factor` times the effect plus `shift`, for `factor` > 0."""
        own, square = self.chance, factor**2
        chance = replace(
            own, questions=square * own.questions, of_seeds=square * own.of_seeds, interaction=square * own.interaction
        )
        return replace(self, effect=factor * self.effect + shift, error=factor * self.error, chance=chance)

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
    terms = _joined(terms)
    effect, runs = 0.0, 0
    of_seeds: list[tuple[float, float, int]] = []  # variance, interaction and number of seeds of each term
    influence: dict[int, NDArray[np.float64]] = {}
    for term in terms:
        shares = _shares(term)
        found = np.nan_to_num(term.values.of(term.configuration))
        means = np.einsum("sqc,qc->sc", found, term.values.asked / np.maximum(term.values.asked.sum(axis=0), 1))
        each, seeds = means @ term.weights, len(found)
        effect, runs = effect + float(each.mean()), runs + seeds
        # Around the mean of a cell: a question that was asked in few languages is no outlier for that.
        own = ((found - means[:, None, :]) * shares).sum(axis=2)  # [seeds, questions]
        influence[id(term.values)] = influence.get(id(term.values), np.zeros(own.shape[1])) + own.mean(axis=0)
        if seeds == 1:
            of_seeds.append((0.0, 0.0, 1))
            continue
        noise = float(((own - own.mean(axis=0)) ** 2).sum()) / (seeds * (seeds - 1))
        of_seeds.append((float(variance_of_mean(each)), noise * _enlarged(own.shape[1]), seeds))
    pieces = [(float((own**2).sum()) * _enlarged(len(own)), len(own) - 1) for own in influence.values()]
    over_questions = sum(piece for piece, _ in pieces)
    total = over_questions + sum(max(variance - noise, 0.0) for variance, noise, _ in of_seeds)
    pieces += [(variance, seeds - 1) for variance, _, seeds in of_seeds if seeds > 1]
    freedom = satterthwaite(np.array(total), *((np.array(piece), np.array(free)) for piece, free in pieces))
    spreads = [(np.array(variance > 0), np.array(seeds)) for variance, _, seeds in of_seeds]
    chance = Chance(
        questions=over_questions,
        degrees=float(min(len(own) - 1 for own in influence.values())),
        of_seeds=sum(variance for variance, _, _ in of_seeds),
        freedom=float(seed_freedom(spreads, (), [float(np.abs(term.weights).sum()) for term in terms])),
        interaction=sum(noise for _, noise, _ in of_seeds),
    )
    questions = max(len(own) for own in influence.values())
    least = min(seeds for _, _, seeds in of_seeds)
    return Contrast(effect, float(np.sqrt(total)), float(freedom), chance, runs, questions, least)


def _joined(terms: Sequence[Term]) -> list[Term]:
    """One term for each configuration: its seeds are drawn once, however often it stands in the sum."""
    found: dict[tuple[int, str], Term] = {}
    for term in terms:
        key = (id(term.values), term.configuration)
        known = found.get(key)
        found[key] = term if known is None else replace(known, weights=known.weights + term.weights)
    return list(found.values())


def _enlarged(questions: int) -> float:
    """What a sum of squares around a mean is too short by."""
    if questions < 2:
        raise ValueError("one question says nothing of the spread over questions")
    return questions / (questions - 1)


def _shares(term: Term) -> NDArray[np.float64]:
    """What a value adds to the weighted mean of cells: [questions, cells]."""
    asked = term.values.asked
    shares: NDArray[np.float64] = np.where(asked, term.weights / np.maximum(asked.sum(axis=0), 1), 0.0)
    return shares
