"""Points that share a forecast, as one: a grid over seeds and strategies has a few models and many points."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from hybridret.preflight.estimate import Option, PlannedPoint


@dataclass(frozen=True)
class Alike:
    """`points` of one forecast, or one point without any. `label` has the words that all their labels share."""

    points: tuple[PlannedPoint, ...]

    @property
    def first(self) -> PlannedPoint:
        return self.points[0]

    @property
    def label(self) -> str:
        if len(self.points) == 1:
            return self.first.label
        others = [set(point.label.split()) for point in self.points[1:]]
        words = [word for word in self.first.label.split() if all(word in other for other in others)]
        return " ".join([*words, f"({len(self.points)} points)"])

    @property
    def chosen(self) -> Option | None:
        """As asked on the cheapest GPU that it fits, else the cheapest recipe that fits; None: nothing does."""
        forecast = self.first.forecast
        return None if forecast is None else forecast.best_as_asked or forecast.best


def alike(points: Sequence[PlannedPoint]) -> list[Alike]:
    """The groups in the order of their first points."""
    groups: dict[int, list[PlannedPoint]] = {}
    for point in points:
        groups.setdefault(id(point.forecast or point), []).append(point)
    return [Alike(tuple(members)) for members in groups.values()]
