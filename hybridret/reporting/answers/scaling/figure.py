"""Loss against body parameters with fitted curves and bands, one figure for each setting."""

from __future__ import annotations

from functools import partial

import numpy as np
from matplotlib.figure import Figure

from hybridret.analysis.scaling.bands import intervals
from hybridret.base.files import file_name
from hybridret.reporting.answers.scaling.budget import count
from hybridret.reporting.answers.scaling.results import Scaled
from hybridret.reporting.answers.scaling.words import loss_name
from hybridret.reporting.charts.plot import Plot, legend_below, log_values, new_axes
from hybridret.reporting.charts.plot_style import PlotStyle

GRID = 40


def law_plots(found: Scaled, styles: dict[str, PlotStyle]) -> list[Plot]:
    """Figures of the settings in which some family has three sizes; `styles` by label of the family."""
    settings = list(dict.fromkeys(setting for _, setting in found.predictions))
    name = f"scaling_{file_name(found.measure.dataset)}_{found.measure.metric}"
    return [
        Plot(
            f"{name}_{setting}",
            f"{setting} {loss_name(found)} on {found.measure.dataset} against body parameters, both logarithmic: "
            f"values of runs, the fitted law and its 95 % band for each family.",
            partial(_law, found, setting, styles),
        )
        for setting in settings
    ]


def _law(found: Scaled, setting: str, styles: dict[str, PlotStyle]) -> Figure:
    figure, axes = new_axes()
    for family in found.families:
        if (family.label, setting) not in found.exponents:
            continue
        own, band, look = family.losses[setting], found.exponents[family.label, setting].band, styles[family.label]
        sizes = np.geomspace(family.sizes.min(), family.sizes.max(), GRID)
        axes.plot(own.variables[own.cell, 0], np.exp(own.values), look.mark, color=look.colour, markersize=4)
        curve = np.exp(band.fit.log_loss(sizes[:, None]))
        axes.plot(sizes, curve, color=look.colour, linestyle=look.dash, label=family.label)
        if band.known and band.failures == 0:
            low, high = np.exp(intervals(band.curves(sizes[:, None]))).T
            axes.fill_between(sizes, low, high, color=look.colour, alpha=0.15, linewidth=0)
    axes.set_xscale("log")
    log_values(axes)
    every = sorted({float(size) for family in found.families for size in family.sizes})
    axes.set_xticks(every, [count(size) for size in every])
    axes.minorticks_off()
    axes.set(
        xlabel="parameters without embeddings", ylabel=loss_name(found), title=f"{found.measure.dataset}: {setting}"
    )
    legend_below(figure, axes)
    return figure
