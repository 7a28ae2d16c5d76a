"""Quality against the sampling ratio alpha, one line per setting."""

from __future__ import annotations

from functools import partial

import pandas as pd
from matplotlib.figure import Figure

from hybridret.analysis.spread import mean_and_spread
from hybridret.base.files import file_name
from hybridret.reporting.charts.chart import DatasetChart
from hybridret.reporting.charts.plot import Plot, legend_below, new_axes
from hybridret.reporting.collect import Sweep
from hybridret.reporting.select import MACRO, SETTINGS, map_rows, map_title, select

_ENDS = {"mono": 1.0, "cross": 0.0}
_SETTING_LOOK = {"monolingual": ("#0072b2", "o"), "cross-lingual": ("#d55e00", "s"), "multilingual": ("#009e73", "^")}


def alpha_plots(sweep: Sweep, dataset: str) -> list[Plot]:
    """One figure for each group of runs that differ in alpha and seed only."""
    quality, name = map_title(sweep, dataset), file_name(dataset)
    return [
        Plot(
            f"alpha_{name}_{i}",
            f"{quality} against alpha on {dataset}{title}: one line each for Mo., Cr. and Mul.",
            partial(_alpha, sweep, dataset, title, runs),
        )
        for i, (title, runs) in enumerate(alpha_groups(sweep, dataset), 1)
    ]


def alpha_groups(sweep: Sweep, dataset: str) -> list[tuple[str, pd.DataFrame]]:
    """Runs that differ in alpha and seed only, where that is 3 alphas or more: a title and the runs of each group.

    Mono and cross are the ends alpha = 1 and 0 of `hybrid`, the very same batches: they stand in where no run of the
    strategy has that alpha, and nothing counts twice.
    """
    here = set(sweep.metrics.loc[sweep.metrics["dataset"] == dataset, "run"])
    runs = sweep.runs[sweep.runs["run"].isin(here) & sweep.runs["trained"]]
    end = runs["strategy"].map(_ENDS).astype(float)
    runs = runs.assign(alpha=runs["alpha"].fillna(end), end=end.notna())
    same = ["backbone", "size", *sweep.extra]
    several = runs[~runs["end"]].groupby([*same, "strategy"], dropna=False).ngroups > 1
    groups = []
    for key, rows in runs.dropna(subset=["alpha"]).groupby(same, dropna=False, sort=False):
        for strategy, own in rows[~rows["end"]].groupby("strategy", sort=False):
            ends = rows[rows["end"] & ~rows["alpha"].isin(own["alpha"])]
            line = pd.concat([own, ends]).drop_duplicates(["alpha", "seed"])
            if own["alpha"].nunique() >= 2 and line["alpha"].nunique() >= 3:
                parts = [str(one) for one in (strategy, *key) if one]
                groups.append((f", {' '.join(parts)}" if several else "", line))
    return groups


def _alpha(sweep: Sweep, dataset: str, title: str, runs: pd.DataFrame) -> Figure:
    rows = map_rows(sweep, dataset, query_language=MACRO).merge(runs[["run", "alpha"]], on="run")
    figure, axes = new_axes()
    for setting, (colour, mark) in _SETTING_LOOK.items():
        found = mean_and_spread(select(rows, setting=setting), ["alpha"]).sort_values("alpha")
        axes.errorbar(
            found["alpha"],
            found["mean"],
            yerr=found["std"].fillna(0),
            color=colour,
            marker=mark,
            capsize=3,
            label=SETTINGS[setting],
        )
    axes.set(
        xlabel="alpha (1: all batches mono, 0: all cross)", ylabel=map_title(sweep, dataset), title=dataset + title
    )
    legend_below(figure, axes)
    return figure


CHART = DatasetChart(
    name="alpha",
    position=20,
    heading="Sampling ratio",
    caption="Mean over seeds; bars are one standard deviation.",
    plots=alpha_plots,
    drawn="alpha",
)
