"""The trade-off of a group as a figure: configurations with intervals, and the band of the front."""

from __future__ import annotations

from functools import partial

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from hybridret.analysis.trade_off.attainment import attainment
from hybridret.analysis.trade_off.common_shift import without_common_shift
from hybridret.base.files import file_name
from hybridret.reporting.answers.trade_off.measure import GroupResult, Measure
from hybridret.reporting.charts.plot import Plot, legend_below, new_axes
from hybridret.reporting.charts.plot_style import plot_styles

_LEVELS = 121
_IN_LEGEND = 8  # configurations that are named; the others are grey
_NAMED = 0.05  # share of draws on the front


def front_plot(measure: Measure, result: GroupResult, runs: pd.DataFrame, number: int) -> Plot:
    """Mo. against Cr.; up and to the right is better."""
    title = measure.dataset + (f", {result.group.title}" if result.group.title else "")
    alt = (
        f"Monolingual against cross-lingual {measure.quality} on {title}: each configuration with 95 % intervals, and "
        "the median and 95 % band of the front over resamples, without what shifts all configurations together."
    )
    name = f"trade_off_{file_name(measure.dataset)}_{number}"
    return Plot(name, alt, partial(_front, measure, result, title, runs))


def front_bands(result: GroupResult) -> pd.DataFrame:
    """Of each level of Mo.: low, median and high of the best Cr.; NaN where that quantile has none."""
    values = without_common_shift(result.draws).values
    low, high = np.quantile(values[..., 0], [0.025, 0.975], axis=0)
    levels = np.linspace(low.min(), high.max(), _LEVELS)
    bands = attainment(values, levels)
    return pd.DataFrame({"mono": levels, "low": bands[0], "median": bands[1], "high": bands[2]})


def _front(measure: Measure, result: GroupResult, title: str, runs: pd.DataFrame) -> Figure:
    draws, styles, bands = without_common_shift(result.draws), plot_styles(runs), front_bands(result)
    low, high = np.quantile(draws.values, [0.025, 0.975], axis=0)
    order = np.argsort(-result.on_front, kind="stable")
    named = [i for i in order if result.on_front[i] >= _NAMED][:_IN_LEGEND]
    figure, axes = new_axes(6.4, 4.2 + 0.2 * len(named))
    axes.fill_between(
        bands["mono"],
        bands["low"].fillna(float(low[:, 1].min())),
        bands["high"],
        step="post",
        color="#c9d3de",
        alpha=0.6,
        linewidth=0,
    )
    line = "front: median, 95 % band"
    axes.step(bands["mono"], bands["median"], where="post", color="#333333", linewidth=1, label=line)
    for i in [*named, *(i for i in order if i not in named)]:
        look, centre = styles[draws.configurations[i]], draws.observed[i]
        spread = np.maximum([centre - low[i], high[i] - centre], 0.0)
        axes.errorbar(
            centre[0],
            centre[1],
            xerr=spread[:, :1],
            yerr=spread[:, 1:],
            color=look.colour if i in named else "#8a929b",
            marker=look.mark,
            markersize=6 if i in named else 4,
            linestyle="none",
            linewidth=1,
            label=draws.configurations[i] if i in named else None,
        )
    quality = measure.quality
    axes.set(xlabel=f"Monolingual {quality}", ylabel=f"Cross-lingual {quality}", title=title)
    legend_below(figure, axes)
    return figure
