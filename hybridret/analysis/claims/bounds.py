"""The contrasts that a claim is made of, in one group of configurations that differ in strategy and alpha alone."""

from __future__ import annotations

from functools import singledispatch
from itertools import combinations

import numpy as np
import pandas as pd

from hybridret.analysis.claims.choose import chosen
from hybridret.analysis.claims.contrast import Contrast, Term, contrast, macro_weights
from hybridret.analysis.claims.statements import Best, Changes, Choice, Claim, EqualGain, Flat, Keeps, Trend
from hybridret.analysis.claims.verdict import Bound
from hybridret.analysis.question_values import QuestionValues


class NotTestable(Exception):
    """A claim says nothing of these configurations; the message is the reason."""


@singledispatch
def bounds(claim: Claim, values: QuestionValues, configurations: pd.DataFrame) -> list[Bound]:
    """What must hold for `claim` in one group.

    values: the claim's measure. configurations: rows with configuration, strategy, alpha, size and parameters_body, all
    in `values`. Raises NotTestable with the reason where a configuration that the claim names is not there, or named
    twice; TypeError for a kind without contrasts.
    """
    raise TypeError(f"{type(claim).__name__} has no contrasts")


@bounds.register
def _(claim: Best, values: QuestionValues, configurations: pd.DataFrame) -> list[Bound]:
    of = _one(configurations, claim.of)
    others = dict.fromkeys(name for one in claim.among for name in _some(configurations, one) if name != of)
    if not others:
        raise NotTestable(f"there is nothing beside {of}")
    found = [Bound(f"{of} − {other}", _difference(values, of, other)) for other in others]
    return [_better(one, values.better) for one in found]


@bounds.register
def _(claim: Keeps, values: QuestionValues, configurations: pd.DataFrame) -> list[Bound]:
    of, against = _one(configurations, claim.of), _one(configurations, claim.against)
    return [_better(Bound(f"{of} − {against}", _difference(values, of, against)), values.better, claim.margin)]


@bounds.register
def _(claim: Changes, values: QuestionValues, configurations: pd.DataFrame) -> list[Bound]:
    against = _one(configurations, claim.against)
    weights = macro_weights(values)
    level = contrast([Term(values, against, weights)]).effect
    if level <= 0:
        raise NotTestable(f"the {claim.metric} of {against} is {level:g}, so no share of it means anything")
    sign = -1.0 if claim.direction == "lower" else 1.0
    found = []
    for name in dict.fromkeys(name for one in claim.of for name in _some(configurations, one)):
        # of / against - 1 beyond the share is of - (1 ± by) against beyond 0, which is a sum.
        terms = [Term(values, name, weights), Term(values, against, -(1 + sign * claim.by) * weights)]
        beyond = contrast(terms).scaled(1 / level, sign * claim.by)
        bound = sign * claim.by
        low, high = (bound, None) if sign > 0 else (None, bound)
        found.append(Bound(f"{name} / {against} − 1", beyond, low, high))
    return found


@bounds.register
def _(claim: Flat, values: QuestionValues, configurations: pd.DataFrame) -> list[Bound]:
    names = _some(configurations, claim.of)
    if len(names) < 2:
        raise NotTestable(f"{claim.of} is one configuration here: two or more can be level")
    return [
        Bound(f"{one} − {other}", _difference(values, one, other), -claim.margin, claim.margin)
        for one, other in combinations(names, 2)
    ]


@bounds.register
def _(claim: EqualGain, values: QuestionValues, configurations: pd.DataFrame) -> list[Bound]:
    of, against = _one(configurations, claim.of), _one(configurations, claim.against)
    asked = dict.fromkeys(query for query, _ in values.cells)
    here, rest = [one for one in asked if one in claim.languages], [one for one in asked if one not in claim.languages]
    if not here or not rest:
        raise NotTestable(f"of {', '.join(claim.languages)} and other languages, one side was not evaluated")
    weights = macro_weights(values, here) - macro_weights(values, rest)
    terms = [Term(values, of, weights), Term(values, against, -weights)]
    what = f"gain of {of} over {against} in {', '.join(here)} − in the others"
    return [Bound(what, contrast(terms), -claim.margin, claim.margin)]


@bounds.register
def _(claim: Trend, values: QuestionValues, configurations: pd.DataFrame) -> list[Bound]:
    sizes = [own for _, own in configurations.groupby("parameters_body", sort=True)]
    if len(sizes) < 3:
        raise NotTestable(f"a trend needs three sizes, and there are {len(sizes)}")
    logs = np.log10([float(own["parameters_body"].iloc[0]) for own in sizes])
    slopes = (logs - logs.mean()) / ((logs - logs.mean()) ** 2).sum()  # of a straight line, a sum of the gaps
    weights, macro = macro_weights(values), dict(zip(values.names, _means(values), strict=True))
    terms, gaps = [], []
    for own, slope in zip(sizes, slopes, strict=True):
        of = _one(own, claim.of)
        best = max((_one(own, one) for one in claim.against), key=lambda name: values.better * macro[name])
        terms += [Term(values, of, slope * weights), Term(values, best, -slope * weights)]
        gaps.append(macro[of] - macro[best])
    side = 1.0 if np.mean(gaps) >= 0 else -1.0
    found = contrast(terms)
    what = f"slope of {claim.of} − the better of {' and '.join(map(str, claim.against))} per tenfold size"
    if claim.direction == "level":
        return [Bound(what, found, -claim.margin, claim.margin)]
    falls = (claim.direction == "shrinks") == (side > 0)  # a gap below zero shrinks by rising
    return [Bound(what, found, None, 0.0) if falls else Bound(what, found, 0.0, None)]


def _difference(values: QuestionValues, one: str, other: str) -> Contrast:
    weights = macro_weights(values)
    return contrast([Term(values, one, weights), Term(values, other, -weights)])


def _better(bound: Bound, better: int, margin: float = 0.0) -> Bound:
    low, high = (-margin, None) if better > 0 else (None, margin)
    return Bound(bound.what, bound.contrast, low, high)


def _means(values: QuestionValues) -> list[float]:
    macro = values.macro
    return [
        float(np.mean([m for m, own in zip(macro, values.configurations, strict=True) if own == name]))
        for name in values.names
    ]


def _some(configurations: pd.DataFrame, choice: Choice) -> list[str]:
    found = chosen(configurations, choice)
    if not found:
        raise NotTestable(f"no run of {choice}")
    return found


def _one(configurations: pd.DataFrame, choice: Choice) -> str:
    found = _some(configurations, choice)
    if len(found) > 1:
        raise NotTestable(f"{choice} means {len(found)} configurations here ({', '.join(found)}): name one")
    return found[0]
