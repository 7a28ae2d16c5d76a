"""The figures of one dataset: trade-off, language pairs, bias, sampling ratio, size."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from hybridret.analysis.spread import mean_and_spread
from hybridret.base.files import file_name
from hybridret.reporting.collect import Sweep
from hybridret.reporting.plot import Plot, legend_below, new_axes
from hybridret.reporting.plot_style import plot_styles
from hybridret.reporting.scatter import front_of, tradeoff
from hybridret.reporting.select import MACRO, SETTINGS, configurations, map_cutoffs, select, title_of
from hybridret.reporting.tables import pair_table

_ENDS = {"mono": 1.0, "cross": 0.0}
_SETTING_LOOK = {"monolingual": ("#0072b2", "o"), "cross-lingual": ("#d55e00", "s"), "multilingual": ("#009e73", "^")}


def dataset_plots(sweep: Sweep, dataset: str) -> dict[str, Plot]:
    """The figures of one dataset that its data allow: scatter, pairs, bias, alpha, size."""
    name = file_name(dataset)
    plots = {}
    quality = _quality(sweep, dataset)
    if len(_tradeoff(sweep, dataset)):
        alt = (
            f"Scatter of monolingual against cross-lingual {quality} on {dataset}: a mark per run and the Pareto front."
        )
        plots["scatter"] = Plot(f"scatter_{name}", alt, lambda: _scatter(sweep, dataset))
    if any(pair_table(sweep, dataset, one) for one in configurations(sweep, dataset)):
        plots["pairs"] = Plot(
            f"pairs_{name}", f"Heat maps of {quality} by language pair on {dataset}.", lambda: _pairs(sweep, dataset)
        )
    bias = select(sweep.metrics, dataset=dataset, metric="rank_distance", setting="multilingual")
    if (bias["query_language"] != MACRO).any():
        alt = f"Rank distance by query language on {dataset}, one line per configuration, logarithmic."
        plots["bias"] = Plot(f"bias_{name}", alt, lambda: _bias(sweep, dataset))
    for i, (title, runs) in enumerate(_alpha_groups(sweep, dataset), 1):
        alt = f"{quality} against alpha on {dataset}{title}: one line each for Mo., Cr. and Mul."
        plots[f"alpha {i}"] = Plot(f"alpha_{name}_{i}", alt, partial(_alpha, sweep, dataset, title, runs))
    here = sweep.runs[sweep.runs["configuration"].isin(configurations(sweep, dataset)) & sweep.runs["trained"]]
    if here["parameters_body"].nunique() > 1:
        for setting in SETTINGS:
            if len(_maps(sweep, dataset, setting=setting)):
                alt = (
                    f"{setting} {quality} on {dataset} against body parameters (logarithmic), a line per configuration."
                )
                plots[f"size {setting}"] = Plot(f"size_{name}_{setting}", alt, partial(_size, sweep, dataset, setting))
    return plots


def _scatter(sweep: Sweep, dataset: str) -> Figure:
    points, style, quality = _tradeoff(sweep, dataset), plot_styles(sweep.runs), _quality(sweep, dataset)
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


def _pairs(sweep: Sweep, dataset: str) -> Figure:
    tables = [t for name in configurations(sweep, dataset) if (t := pair_table(sweep, dataset, name))]
    columns = min(3, len(tables))
    rows = -(-len(tables) // columns)
    width = 0.42 * len(tables[0].rows) + 0.9
    figure = Figure(figsize=(max(3.0, width) * columns, max(2.6, width) * rows), layout="constrained")
    for axes, table in zip(figure.subplots(rows, columns, squeeze=False).flat, tables, strict=False):
        grid = np.array([[np.nan if c.missing else c.value for c in row[1:]] for row in table.rows], dtype=float)
        axes.imshow(grid, cmap="Blues", vmin=0, vmax=1)
        axes.grid(visible=False)
        axes.set_xticks(range(grid.shape[1]), [c.title for c in table.columns[1:]])
        axes.set_yticks(range(grid.shape[0]), [str(row[0].value) for row in table.rows])
        axes.set(xlabel="corpus language", ylabel="query language", title=table.caption)
        for (i, j), value in np.ndenumerate(grid):
            if not np.isnan(value):
                colour = "white" if value > 0.6 else "#111111"
                axes.text(j, i, f"{value:.2f}".removeprefix("0"), ha="center", va="center", color=colour, fontsize=7.5)
    for axes in list(figure.axes)[len(tables) :]:
        axes.remove()
    return figure


def _bias(sweep: Sweep, dataset: str) -> Figure:
    rows = select(sweep.metrics, dataset=dataset, metric="rank_distance", setting="multilingual")
    rows = rows[rows["query_language"] != MACRO]
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
        axes.set_yscale("log")
    axes.set(xlabel="query language", ylabel="rank distance", title=f"{dataset}: lower is less biased")
    legend_below(figure, axes)
    return figure


def _alpha_groups(sweep: Sweep, dataset: str) -> list[tuple[str, pd.DataFrame]]:
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
    rows = _maps(sweep, dataset, query_language=MACRO).merge(runs[["run", "alpha"]], on="run")
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
    axes.set(xlabel="alpha (1: all batches mono, 0: all cross)", ylabel=_quality(sweep, dataset), title=dataset + title)
    legend_below(figure, axes)
    return figure


def _size(sweep: Sweep, dataset: str, setting: str) -> Figure:
    rows = _maps(sweep, dataset, setting=setting, query_language=MACRO)
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
    axes.set(xlabel="parameters without embeddings", ylabel=_quality(sweep, dataset), title=f"{dataset}: {setting}")
    legend_below(figure, axes)
    return figure


def _maps(sweep: Sweep, dataset: str, **conditions: Any) -> pd.DataFrame:
    """The rows of mAP, in full or else cut where the search ended."""
    cutoff = map_cutoffs(sweep, dataset)[0]
    return select(sweep.metrics, dataset=dataset, metric="map", cutoff=cutoff, **conditions)


def _tradeoff(sweep: Sweep, dataset: str) -> pd.DataFrame:
    return tradeoff(sweep, dataset, "map", map_cutoffs(sweep, dataset)[0])


def _quality(sweep: Sweep, dataset: str) -> str:
    return title_of("map", map_cutoffs(sweep, dataset)[0])


def _short(count: float) -> str:
    """A number of parameters in three digits: 55k, 1.2M, 7.6B."""
    for unit, name in ((1e9, "B"), (1e6, "M"), (1e3, "k")):
        if count >= unit:
            return f"{count / unit:.3g}{name}"
    return f"{count:.0f}"
