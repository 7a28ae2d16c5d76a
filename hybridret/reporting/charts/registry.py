"""All charts, found in the files of this folder: each module with a `CHART` is one."""

from __future__ import annotations

from hybridret.base.discovery import discovered
from hybridret.reporting import charts
from hybridret.reporting.charts.chart import Chart, DatasetChart, SweepChart
from hybridret.reporting.charts.plot import Plot
from hybridret.reporting.collect import Sweep


def known_charts() -> tuple[Chart, ...]:
    """Every chart, in the order of the page. Raises ValueError where two have one name."""
    return tuple(sorted(discovered(charts, "CHART", Chart), key=lambda one: one.order))


def dataset_charts() -> list[DatasetChart]:
    """The charts of a test set, in their order."""
    return [one for one in known_charts() if isinstance(one, DatasetChart)]


def sweep_charts() -> list[SweepChart]:
    """The charts of a whole sweep, in their order."""
    return [one for one in known_charts() if isinstance(one, SweepChart)]


def dataset_plots(sweep: Sweep, dataset: str) -> dict[str, list[Plot]]:
    """The figures of a test set by the name of their chart; charts that do not apply are left out."""
    return {chart.name: plots for chart in dataset_charts() if (plots := chart.plots(sweep, dataset))}


def sweep_plots(sweep: Sweep) -> dict[str, list[Plot]]:
    """The figures of the whole sweep, as `dataset_plots`."""
    return {chart.name: plots for chart in sweep_charts() if (plots := chart.plots(sweep))}
