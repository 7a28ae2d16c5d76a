"""Language bias: the rank distance by query language, one line per configuration."""

from __future__ import annotations

import pandas as pd
from matplotlib.figure import Figure

from hybridret.analysis.spread import mean_and_spread
from hybridret.base.files import file_name
from hybridret.reporting.charts.chart import DatasetChart
from hybridret.reporting.charts.plot import Plot, legend_below, log_values, new_axes
from hybridret.reporting.charts.plot_style import plot_styles
from hybridret.reporting.collect import Sweep
from hybridret.reporting.select import MACRO, configurations, select


def bias_plots(sweep: Sweep, dataset: str) -> list[Plot]:
    """One figure, where pools were ranked in full."""
    if _distances(sweep, dataset).empty:
        return []
    alt = f"Rank distance by query language on {dataset}, one line per configuration, logarithmic."
    return [Plot(f"bias_{file_name(dataset)}", alt, lambda: _bias(sweep, dataset))]


def _distances(sweep: Sweep, dataset: str) -> pd.DataFrame:
    rows = select(sweep.metrics, dataset=dataset, metric="rank_distance", setting="multilingual")
    return rows[rows["query_language"] != MACRO]


def _bias(sweep: Sweep, dataset: str) -> Figure:
    rows = _distances(sweep, dataset)
    means = mean_and_spread(rows, ["configuration", "query_language"])
    languages, style = sorted(rows["query_language"].unique()), plot_styles(sweep.runs)
    figure, axes = new_axes()
    for name in configurations(sweep, dataset):
        of_one = select(means, configuration=name).set_index("query_language")["mean"].reindex(languages)
        look = style[name]
        axes.plot(
            languages,
            of_one,
            color=look.colour,
            marker=look.mark,
            linestyle=look.dash,
            linewidth=1,
            markersize=5,
            label=name,
        )
    if (means["mean"] > 0).all():
        log_values(axes)
    axes.set(xlabel="query language", ylabel="rank distance", title=f"{dataset}: lower is less biased")
    legend_below(figure, axes)
    return figure


CHART = DatasetChart(
    name="bias",
    position=50,
    caption="Bars: mean over seeds and query languages. Lines: by query language, on a logarithmic scale.",
    plots=bias_plots,
    section="bias",
    drawn="bias",
)
