"""The trade-off of a test set: monolingual against cross-lingual quality, a mark per run and the Pareto front.

The page lets its reader choose the metric, and names the run of each mark; the file shows mAP.
"""

from __future__ import annotations

import pandas as pd
from matplotlib.figure import Figure

from hybridret.base.files import file_name
from hybridret.reporting.charts.chart import DatasetChart
from hybridret.reporting.charts.plot import Plot, legend_below, new_axes
from hybridret.reporting.charts.plot_style import plot_styles
from hybridret.reporting.charts.tradeoff import front_of, tradeoff
from hybridret.reporting.collect import Sweep
from hybridret.reporting.select import map_cutoffs, map_title


def scatter_plots(sweep: Sweep, dataset: str) -> list[Plot]:
    """One figure, where a run has both values."""
    if _points(sweep, dataset).empty:
        return []
    quality = map_title(sweep, dataset)
    alt = f"Scatter of monolingual against cross-lingual {quality} on {dataset}: a mark per run and the Pareto front."
    return [Plot(f"scatter_{file_name(dataset)}", alt, lambda: _scatter(sweep, dataset))]


def _scatter(sweep: Sweep, dataset: str) -> Figure:
    points, style, quality = _points(sweep, dataset), plot_styles(sweep.runs), map_title(sweep, dataset)
    figure, axes = new_axes(6.4, 4.6)
    front = front_of(points)
    axes.plot(
        front["mono"], front["cross"], color="#333333", linestyle="--", linewidth=1, label="Pareto front of the means"
    )
    for name, rows in points.groupby("configuration", sort=False):
        look = style[str(name)]
        axes.scatter(
            rows["mono"],
            rows["cross"],
            color=look.colour,
            marker=look.mark,
            s=42,
            alpha=0.85,
            label=str(name),
            zorder=3,
        )
    axes.set(xlabel=f"Monolingual {quality}", ylabel=f"Cross-lingual {quality}", title=dataset)
    legend_below(figure, axes)
    return figure


def _points(sweep: Sweep, dataset: str) -> pd.DataFrame:
    return tradeoff(sweep, dataset, "map", map_cutoffs(sweep, dataset)[0])


CHART = DatasetChart(
    name="scatter",
    position=10,
    caption="One mark per run; up and to the right is better. The dashed line is the Pareto front of the "
    "configurations' means. Point at a mark, or go there with Tab and the arrow keys, to see its run.",
    plots=scatter_plots,
    section="opening",
    drawn="tradeoff",
)
