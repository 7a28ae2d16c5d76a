"""The best alpha of each size and how it moves with size, from the draws of a measure."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import groupby

import numpy as np

from hybridret.analysis.trade_off.alpha_by_size import Slope, alpha_by_size
from hybridret.analysis.trade_off.best_alpha import best_alpha
from hybridret.analysis.trade_off.preference import WEIGHT
from hybridret.reporting.answers.trade_off.groups import AlphaLine, alpha_lines
from hybridret.reporting.answers.trade_off.measure import Measure
from hybridret.reporting.evidence import Evidence


@dataclass(frozen=True)
class BestAlphas:
    """One line over its sizes. best: (value, low, high) of each [sizes, 3]. slope: over sizes."""

    title: str
    lines: tuple[AlphaLine, ...]
    best: tuple[tuple[float, float, float], ...]
    slope: Slope


def best_alphas(evidence: Evidence, measure: Measure, weight: float = WEIGHT) -> list[BestAlphas]:
    """The alpha at which weight * Mo. + (1 - weight) * Cr. is best, for each line of alphas."""
    weights = np.array([weight, 1.0 - weight])
    found = []
    every = alpha_lines(evidence, measure.draws.configurations)
    for title, lines in groupby(every, key=lambda line: line.title):
        own = tuple(lines)
        best, drawn = [], []
        for line in own:
            part = measure.draws.only(line.configurations)
            alphas = np.array(line.alphas)
            best.append(float(best_alpha(alphas, part.oriented_observed @ weights)))
            drawn.append(best_alpha(alphas, part.oriented @ weights))
        ends = [np.quantile(one, [0.025, 0.975]) for one in drawn]
        known = [i for i, line in enumerate(own) if line.parameters > 0]
        slope = alpha_by_size(
            np.array([own[i].parameters for i in known]),
            np.array([best[i] for i in known]),
            np.stack(drawn, axis=1)[:, known],
        )
        rows = tuple((value, float(low), float(high)) for value, (low, high) in zip(best, ends, strict=True))
        found.append(BestAlphas(title, own, rows, slope))
    return found
