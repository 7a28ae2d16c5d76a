"""Description of a chart: its name, position and figures. A module here that holds a `CHART` is drawn and shown.

Two kinds, by what is drawn: `DatasetChart` for each test set, `SweepChart` once for the whole sweep.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from hybridret.reporting.charts.plot import Plot
from hybridret.reporting.collect import Sweep

# Of a test set: before all sections, below the main table, or below the table of language bias.
Section = Literal["opening", "quality", "bias"]


@dataclass(frozen=True, kw_only=True)
class Chart:
    """What the report needs to know of a chart. Raises ValueError for a name that no file can begin with.

    name: of the chart; the names of its files begin with it, so that they differ from those of other charts.
    position: charts come in the order of their positions, and of their names at one position.
    heading: above its figures on the page, "" for none.
    caption: below them.
    drawn: the name of the function in `script/` that draws it on the page from the page's values, so that it answers to
        the filters; "": the page shows the figures as they are.
    """

    name: str
    position: int
    heading: str = ""
    caption: str = ""
    drawn: str = ""

    def __post_init__(self) -> None:
        if not self.name.isidentifier():
            raise ValueError(f"{self.name!r} cannot be the name of a chart: use letters, digits and underscores.")

    @property
    def order(self) -> tuple[int, str]:
        """Of charts on the page."""
        return self.position, self.name


@dataclass(frozen=True, kw_only=True)
class DatasetChart(Chart):
    """A chart of a test set.

    plots: its figures from a collected sweep and the name of a test set; none where it does not apply.
    section: where the page shows it; None: its figures are files only.
    """

    plots: Callable[[Sweep, str], list[Plot]]
    section: Section | None = "quality"


@dataclass(frozen=True, kw_only=True)
class SweepChart(Chart):
    """A chart of all runs, shown among the training curves. `plots`: its figures; none where it does not apply."""

    plots: Callable[[Sweep], list[Plot]]
