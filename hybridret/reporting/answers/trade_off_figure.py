"""The trade-off of a group as a figure: configurations with intervals, and the band of the front."""

from __future__ import annotations

from functools import partial

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from hybridret.analysis.trade_off.attainment import attainment
from hybridret.base.files import file_name
from hybridret.reporting.answers.trade_off_measure import GroupResult, Measure
from hybridret.reporting.charts.plot import Plot, legend_below, new_axes
from hybridret.reporting.charts.plot_style import plot_styles

_LEVELS = 121


def front_plot(measure: Measure, result: GroupResult, runs: pd.DataFrame, number: int) -> Plot:
    """Mo. against Cr.; up and to the right is better."""
    title = measure.dataset + (f", {result.group.title}" if result.group.title else "")
    alt = (
        f"Monolingual against cross-lingual {measure.quality} on {title}: each configuration with 95 % intervals, and "
        "the median and 95 % band of the front over resamples."
    )
    name = f"trade_off_{file_name(measure.dataset)}_{number}"
    return Plot(name, alt, partial(_front, measure, result, title, runs))


def front_bands(result: GroupResult) -> pd.DataFrame:
    """Of each level of Mo.: low, median and high of the best Cr.; NaN where that quantile has none."""
    mono = result.draws.values[..., 0]
    low, high = np.quantile(mono, 0.025, axis=0).min(), np.quantile(mono, 0.975, axis=0).max()
    levels = np.linspace(low, high, _LEVELS)
    bands = attainment(result.draws.values, levels)
    return pd.DataFrame({"mono": levels, "low": bands[0], "median": bands[1], "high": bands[2]})


def _front(measure: Measure, result: GroupResult, title: str, runs: pd.DataFrame) -> Figure:
    figure, axes = new_axes(6.4, 4.6)
    bands, styles = front_bands(result), plot_styles(runs)
    floor = float(np.quantile(result.draws.values[..., 1], 0.025, axis=0).min())
    axes.fill_between(
        bands["mono"], bands["low"].fillna(floor), bands["high"], step="post", color="#c9d3de", alpha=0.6, linewidth=0
    )
    axes.step(
        bands["mono"], bands["median"], where="post", color="#333333", linewidth=1, label="front, median and 95 % band"
    )
    low, high = np.quantile(result.draws.values, [0.025, 0.975], axis=0)
    for i, name in enumerate(result.draws.configurations):
        look, (mono, cross) = styles[name], result.draws.observed[i]
        spread = np.maximum([[mono - low[i, 0], high[i, 0] - mono], [cross - low[i, 1], high[i, 1] - cross]], 0.0)
        axes.errorbar(
            mono,
            cross,
            xerr=spread[0][:, None],
            yerr=spread[1][:, None],
            color=look.colour,
            marker=look.mark,
            linestyle="none",
            linewidth=1,
            label=name,
        )
    quality = measure.quality
    axes.set(xlabel=f"Monolingual {quality}", ylabel=f"Cross-lingual {quality}", title=title)
    legend_below(figure, axes)
    return figure
