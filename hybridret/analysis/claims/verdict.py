"""From claims and question values to verdicts: which contrasts a claim is made of, and what they say together.

A claim that is an "and" of contrasts is supported if every one is (an intersection-union test: its p is the largest,
and needs no correction inside the claim; Berger, Technometrics 24, 1982). It is refuted if one contrast is
significantly on the other side, its p multiplied by the number of contrasts (Bonferroni). Over all claims and groups
the p-values of support are corrected by Holm, and so are those of refutation.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from hybridret.analysis.claims.contrast import Contrast

Ruling = Literal["supported", "refuted", "undecided", "not tested"]


@dataclass(frozen=True)
class Bound:
    """A contrast that must lie above `low` and below `high` (None: no such bound); `what` names it."""

    what: str
    contrast: Contrast
    low: float | None = None
    high: float | None = None

    @property
    def inside(self) -> float:
        """p of the null that it lies outside: small if the bound holds."""
        sides = []
        if self.low is not None:
            sides.append(self.contrast.above(self.low))
        if self.high is not None:
            sides.append(self.contrast.below(self.high))
        return max(sides)

    @property
    def outside(self) -> float:
        """p of the null that it lies inside: small if the bound is broken."""
        sides = []
        if self.low is not None:
            sides.append(self.contrast.below(self.low))
        if self.high is not None:
            sides.append(self.contrast.above(self.high))
        return min(1.0, len(sides) * min(sides))


@dataclass(frozen=True)
class Judged:
    """One claim in one group (dataset, backbone, size) before correction. `weakest`: the bound that is nearest to being
    broken, whose effect and interval are shown. `reason`: why it was not tested, "" otherwise."""

    claim: str
    group: Mapping[str, str]
    support: float
    refutation: float
    weakest: Bound | None
    bounds: int
    reason: str = ""


def judge(claim: str, group: Mapping[str, str], bounds: Sequence[Bound]) -> Judged:
    """All `bounds` as one claim. Raises ValueError without any."""
    if not bounds:
        raise ValueError(f"the claim {claim} has no contrast")
    weakest = max(bounds, key=lambda one: (one.inside, -one.outside))
    refutation = min(1.0, len(bounds) * min(one.outside for one in bounds))
    return Judged(claim, group, weakest.inside, refutation, weakest, len(bounds))


def rulings(
    judged: Sequence[Judged], adjust: Callable[[Sequence[float]], Sequence[float]], level: float = 0.05
) -> list[tuple[Ruling, float, float]]:
    """Ruling, corrected p of support and corrected p of refutation of each. `adjust` corrects a family of p-values."""
    tested = [one for one in judged if not one.reason]
    support = iter(adjust([one.support for one in tested]) if tested else ())
    refutation = iter(adjust([one.refutation for one in tested]) if tested else ())
    found: list[tuple[Ruling, float, float]] = []
    for one in judged:
        if one.reason:
            found.append(("not tested", float("nan"), float("nan")))
            continue
        yes, no = float(next(support)), float(next(refutation))
        found.append(("supported" if yes <= level else "refuted" if no <= level else "undecided", yes, no))
    return found
