"""Which comparisons users ask for first: what hybrid costs within languages, and what it gains across them."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

from hybridret.reporting.answers.alike import alike
from hybridret.reporting.evidence import Evidence

HALF = 0.5  # the alpha that the paper takes
ASKED = (("monolingual", "mono"), ("cross-lingual", "cross"), ("multilingual", "cross"))


@dataclass(frozen=True)
class Question:
    """A comparison that gets a sentence: `row` is its index in the family; `opens`: may stand at the top of a page.
    a, b: the configurations, the one that is asked about first."""

    row: int
    a: str
    b: str
    opens: bool


def questions(evidence: Evidence, dataset: str, family: pd.DataFrame) -> list[Question]:
    """In the first metric of `dataset`, with what opens the page first.

    Hybrid (its alpha nearest to .5) against mono in Mo. and against cross in Cr. and Mul., for every backbone and size
    that has both, where all else is equal (`alike`); the largest size opens. Where there is no such pair, the best
    against the second in each setting.
    """
    measures = evidence.measures(dataset)
    if not measures:
        return []
    metric, cutoff = measures[0]
    own = family[(family["dataset"] == dataset) & (family["metric"] == metric) & (family["cutoff"] == cutoff)]
    names = set(own["a"]) | set(own["b"])
    runs = evidence.runs[evidence.runs["configuration"].isin(names)]
    trained = runs[runs["trained"].astype(bool)]
    for keys in (["sweep", "backbone", "size"], ["backbone", "size"]):  # of one sweep if there is such a pair
        if found := _hybrid(own, alike(evidence, trained, keys)):
            return found
    return _best_against_second(evidence, own, dataset)


def _hybrid(own: pd.DataFrame, groups: list[pd.DataFrame]) -> list[Question]:
    found: list[Question] = []
    for group in sorted(groups, key=lambda one: -float(one["parameters_body"].max())):
        found += _of_group(own, group, opens=not found)
    return found


def _of_group(own: pd.DataFrame, group: pd.DataFrame, opens: bool) -> list[Question]:
    hybrid = _chosen(group, "hybrid")
    found = []
    for setting, rival in ASKED:
        other = _chosen(group, rival)
        if hybrid is not None and other is not None and (one := _question(own, setting, hybrid, other, opens)):
            found.append(one)
    return found


def _chosen(group: pd.DataFrame, strategy: str) -> str | None:
    """The configuration of a strategy whose alpha is nearest to .5; the first of those without one."""
    own = group[group["strategy"] == strategy]
    if own.empty:
        return None
    distance = (own["alpha"].astype(float) - HALF).abs().fillna(0.0)
    return str(own["configuration"].iloc[int(distance.to_numpy().argmin())])


def _question(own: pd.DataFrame, setting: str, a: str, b: str, opens: bool) -> Question | None:
    both = ((own["a"] == a) & (own["b"] == b)) | ((own["a"] == b) & (own["b"] == a))
    rows = own.index[both & (own["setting"] == setting)]
    return Question(int(rows[0]), a, b, opens) if len(rows) else None


def _best_against_second(evidence: Evidence, own: pd.DataFrame, dataset: str) -> list[Question]:
    found = []
    for setting in own["setting"].unique():
        metric, cutoff = own[["metric", "cutoff"]].iloc[0]
        values = evidence.values(dataset)[(setting, metric, int(cutoff))]
        macro = values.better * pd.Series(values.macro).groupby(list(values.configurations), sort=False).mean()
        first, second = (str(name) for name in macro.sort_values(ascending=False, kind="stable").index[:2])
        if one := _question(own, setting, first, second, True):
            found.append(one)
    return found
