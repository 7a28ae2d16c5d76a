"""Groups of points that share an estimate: a grid over seeds and strategies has few models and many points."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from hybridret.preflight.estimate import GpuEstimate, PointEstimate


@dataclass(frozen=True)
class EstimateGroup:
    """`points` of one estimate, or one point without any. `label` has the words that all their labels share."""

    points: tuple[PointEstimate, ...]

    @property
    def first(self) -> PointEstimate:
        return self.points[0]

    @property
    def label(self) -> str:
        if len(self.points) == 1:
            return self.first.label
        others = [set(point.label.split()) for point in self.points[1:]]
        words = [word for word in self.first.label.split() if all(word in other for other in others)]
        return " ".join([*words, f"({len(self.points)} points)"])

    @property
    def chosen(self) -> GpuEstimate | None:
        """The recipe as asked on the cheapest GPU that it fits, else the cheapest recipe that fits; None: none fits."""
        estimate = self.first.estimate
        return None if estimate is None else estimate.best_as_asked or estimate.best


def group_by_estimate(points: Sequence[PointEstimate]) -> list[EstimateGroup]:
    """The groups in the order of their first points."""
    groups: dict[int, list[PointEstimate]] = {}
    for point in points:
        groups.setdefault(id(point.estimate or point), []).append(point)
    return [EstimateGroup(tuple(members)) for members in groups.values()]
