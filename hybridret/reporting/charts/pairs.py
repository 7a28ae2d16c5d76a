"""Heat maps of quality by language pair, one per configuration. The page shows the same as tables."""

from __future__ import annotations

import numpy as np
from matplotlib.figure import Figure

from hybridret.base.files import file_name
from hybridret.reporting.charts.chart import DatasetChart
from hybridret.reporting.charts.plot import Plot
from hybridret.reporting.collect import Sweep
from hybridret.reporting.select import configurations, map_title
from hybridret.reporting.table import Table
from hybridret.reporting.tables import pair_table


def pairs_plots(sweep: Sweep, dataset: str) -> list[Plot]:
    """One figure of all configurations that have values by pair."""
    if not _tables(sweep, dataset):
        return []
    alt = f"Heat maps of {map_title(sweep, dataset)} by language pair on {dataset}."
    return [Plot(f"pairs_{file_name(dataset)}", alt, lambda: _pairs(sweep, dataset))]


def _tables(sweep: Sweep, dataset: str) -> list[Table]:
    return [table for name in configurations(sweep, dataset) if (table := pair_table(sweep, dataset, name))]


def _pairs(sweep: Sweep, dataset: str) -> Figure:
    tables = _tables(sweep, dataset)
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


CHART = DatasetChart(name="pairs", position=40, plots=pairs_plots, section=None)
