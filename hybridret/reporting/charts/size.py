"""Quality against the size of the body, one line per configuration but for its size."""

from __future__ import annotations

from functools import partial

from matplotlib.figure import Figure

from hybridret.analysis.spread import mean_and_spread
from hybridret.base.files import file_name
from hybridret.reporting.charts.chart import DatasetChart
from hybridret.reporting.charts.plot import Plot, legend_below, new_axes
from hybridret.reporting.charts.plot_style import plot_styles
from hybridret.reporting.collect import Sweep
from hybridret.reporting.select import MACRO, SETTINGS, configurations, map_rows, map_title


def size_plots(sweep: Sweep, dataset: str) -> list[Plot]:
    """One figure for each setting, where trained runs have two sizes or more."""
    here = sweep.runs[sweep.runs["configuration"].isin(configurations(sweep, dataset)) & sweep.runs["trained"]]
    if here["parameters_body"].nunique() < 2:
        return []
    quality, name = map_title(sweep, dataset), file_name(dataset)
    return [
        Plot(
            f"size_{name}_{setting}",
            f"{setting} {quality} on {dataset} against body parameters (logarithmic), a line per configuration.",
            partial(_size, sweep, dataset, setting),
        )
        for setting in SETTINGS
        if len(map_rows(sweep, dataset, setting=setting))
    ]


def _size(sweep: Sweep, dataset: str, setting: str) -> Figure:
    rows = map_rows(sweep, dataset, setting=setting, query_language=MACRO)
    trained = sweep.runs[sweep.runs["trained"] & sweep.runs["parameters_body"].gt(0)]
    rows = rows.merge(trained[["run", "family", "parameters_body"]], on="run")
    style = plot_styles(sweep.runs)
    figure, axes = new_axes()
    for family, one in rows.groupby("family", sort=False):
        found = mean_and_spread(one, ["parameters_body"]).sort_values("parameters_body")
        look = style[str(one["configuration"].iloc[0])]
        axes.errorbar(
            found["parameters_body"], found["mean"], yerr=found["std"].fillna(0),
            color=look.colour, marker=look.mark, linestyle=look.dash, capsize=3, label=str(family),
        )  # fmt: skip
    axes.set_xscale("log")
    sizes = sorted(rows["parameters_body"].unique())
    axes.set_xticks(sizes, [_short(size) for size in sizes])
    axes.minorticks_off()
    axes.set(xlabel="parameters without embeddings", ylabel=map_title(sweep, dataset), title=f"{dataset}: {setting}")
    legend_below(figure, axes)
    return figure


def _short(count: float) -> str:
    """A number of parameters in three digits: 55k, 1.2M, 7.6B."""
    for unit, name in ((1e9, "B"), (1e6, "M"), (1e3, "k")):
        if count >= unit:
            return f"{count / unit:.3g}{name}"
    return f"{count:.0f}"


CHART = DatasetChart(
    name="size",
    position=30,
    heading="Model size",
    caption="Mean over seeds; bars are one standard deviation.",
    plots=size_plots,
    drawn="size",
)
