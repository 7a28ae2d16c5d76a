"""All metrics, found in the files of this folder: each module with a `METRIC` is a metric."""

from __future__ import annotations

import pkgutil
from functools import cache
from importlib import import_module

from hybridret import metrics
from hybridret.metrics.metric import Metric, Table


def known_metrics() -> tuple[Metric, ...]:
    """Every metric, in the order of the rows of metrics.csv. Raises ValueError if two rows have the same name."""
    return _found(tuple(metrics.__path__))


def table_metrics(table: Table) -> dict[str, Metric]:
    """The metrics that are columns of a table of the report, by name, in the order of the columns."""
    shown = sorted((one for one in known_metrics() if one.table == table), key=lambda one: one.column_order)
    return {one.name: one for one in shown}


@cache
def _found(folders: tuple[str, ...]) -> tuple[Metric, ...]:
    modules = [import_module(f"{metrics.__name__}.{one.name}") for one in pkgutil.iter_modules(folders)]
    found = [module.METRIC for module in modules if isinstance(getattr(module, "METRIC", None), Metric)]
    names = [name for one in found for name in (one.name, *(row.name for row in one.summaries))]
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise ValueError(f"hybridret.metrics holds two metrics called {twice[0]!r}: give one of them another name.")
    return tuple(sorted(found, key=lambda one: one.order))
