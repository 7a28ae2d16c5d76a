"""All charts, found in the files of this folder: each module with a `CHART` is one."""

from __future__ import annotations

import pkgutil
from functools import cache
from importlib import import_module

from hybridret.reporting import charts
from hybridret.reporting.charts.chart import Chart, DatasetChart, SweepChart
from hybridret.reporting.charts.plot import Plot
from hybridret.reporting.collect import Sweep


def known_charts() -> tuple[Chart, ...]:
    """Every chart, in the order of the page. Raises ValueError where two have one name."""
    return _found(tuple(charts.__path__))


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


@cache
def _found(folders: tuple[str, ...]) -> tuple[Chart, ...]:
    modules = [import_module(f"{charts.__name__}.{one.name}") for one in pkgutil.iter_modules(folders)]
    found = [module.CHART for module in modules if isinstance(getattr(module, "CHART", None), Chart)]
    names = [one.name for one in found]
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise ValueError(f"{charts.__name__} holds two charts called {twice[0]!r}: give one of them another name.")
    return tuple(sorted(found, key=lambda one: one.order))
