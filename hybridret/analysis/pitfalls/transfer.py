"""Do the questions that one configuration loses trouble another one, too: more than the other's own rate says?

Compared are the cells (question and language pair) that both find in the question's own language: only there can both
lose. Within each pair, chance is what independent losses at both rates would give.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import combinations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from hybridret.analysis.pitfalls.exchange import joint_exchange_tests, row_classes
from hybridret.analysis.pitfalls.lost import LostQuestions
from hybridret.analysis.pitfalls.lost_share import question_weights

COLUMNS = ["lost_by", "lost_too_by", "common", "lost", "lost_too", "share", "chance", "lift", "low", "high", "p"]


def transfer(lost: Mapping[str, LostQuestions], permutations: int, resamples: int, seed: int) -> pd.DataFrame:
    """One row for each ordered pair (A, B) of configurations that share their questions.

    common: cells that both find in the own language. lost: those of them that A loses; lost_too: that B loses besides.
    share = lost_too / lost; chance: the share if, in each pair, B lost its own number at random among `common`; lift =
    share / chance, the same for (B, A), with a 95% bootstrap interval over questions; p: B's rows exchanged between
    questions (`joint_exchange_tests`). NaN where one of them loses nothing.
    Raises ValueError where the configurations have other questions or pairs.
    """
    names = list(lost)
    weights: NDArray[np.float64] | None = None
    rows: list[dict[str, object]] = []
    couples: list[tuple[NDArray[np.float64], NDArray[np.float64]]] = []
    for a, b in combinations(names, 2):
        one, two = lost[a], lost[b]
        if (one.questions, one.pairs) != (two.questions, two.pairs):
            raise ValueError(f"{a} and {b} were asked other questions")
        if weights is None:
            weights = question_weights(len(one.questions), resamples, seed)
        common = one.found & two.found
        first, second = one.is_lost & common, two.is_lost & common
        lift, low, high = _lift(common, first, second, weights)
        couples.append(_residuals(common, first, second))
        both = int((first & second).sum())
        for own, other, gone in ((a, b, int(first.sum())), (b, a, int(second.sum()))):
            share = both / gone if gone else np.nan
            chance = _chance(common, first, second, gone)
            values = [own, other, int(common.sum()), gone, both, share, chance, lift, low, high]
            rows.append(dict(zip(COLUMNS[:-1], values, strict=True)))
    if couples:
        p = joint_exchange_tests(couples, row_classes(lost[names[0]].asked), permutations, seed)
        for i, row in enumerate(rows):
            row["p"] = p[i // 2] if row["lift"] == row["lift"] else np.nan  # NaN: nothing is lost
    order = {name: i for i, name in enumerate(names)}
    rows.sort(key=lambda row: (order[str(row["lost_by"])], order[str(row["lost_too_by"])]))
    return pd.DataFrame(rows, columns=COLUMNS)


def _expected(
    common: NDArray[np.float64], first: NDArray[np.float64], second: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Cells lost by both if independent: [..., pairs] counts -> [...]."""
    return np.asarray((first * second / np.maximum(common, 1.0)).sum(axis=-1))


def _chance(common: NDArray[np.bool_], first: NDArray[np.bool_], second: NDArray[np.bool_], gone: int) -> float:
    counts = [one.sum(axis=0).astype(np.float64) for one in (common, first, second)]
    return float(_expected(*counts)) / gone if gone else float("nan")


def _lift(
    common: NDArray[np.bool_], first: NDArray[np.bool_], second: NDArray[np.bool_], weights: NDArray[np.float64]
) -> tuple[float, float, float]:
    both = (first & second).sum(axis=1).astype(np.float64)
    cells = [one.astype(np.float64) for one in (common, first, second)]
    expected = float(_expected(*(one.sum(axis=0) for one in cells)))
    if expected == 0:
        return float("nan"), float("nan"), float("nan")
    drawn = _expected(*(weights @ one for one in cells))
    lifts = np.divide(weights @ both, drawn, out=np.full(len(weights), np.nan), where=drawn > 0)
    low, high = np.nanpercentile(lifts, [2.5, 97.5])
    return float(both.sum()) / expected, float(low), float(high)


def _residuals(
    common: NDArray[np.bool_], first: NDArray[np.bool_], second: NDArray[np.bool_]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Lost or not minus the share of the pair, 0 outside of `common`."""
    total = np.maximum(common.sum(axis=0), 1)
    one, two = (np.where(common, marks - marks.sum(axis=0) / total, 0.0) for marks in (first, second))
    return one, two
