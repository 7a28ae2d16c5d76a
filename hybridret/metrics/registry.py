"""All metrics, found in the files of this folder: each module with a `METRIC` is a metric."""

from __future__ import annotations

from hybridret import metrics
from hybridret.base.discovery import discovered
from hybridret.metrics.metric import Metric, Table


def known_metrics() -> tuple[Metric, ...]:
    """Every metric, in the order of the rows of metrics.csv. Raises ValueError if two rows have the same name."""
    return tuple(sorted(discovered(metrics, "METRIC", Metric, _rows), key=lambda one: one.order))


def table_metrics(table: Table) -> dict[str, Metric]:
    """The metrics that are columns of a table of the report, by name, in the order of the columns."""
    shown = sorted((one for one in known_metrics() if one.table == table), key=lambda one: one.column_order)
    return {one.name: one for one in shown}


def _rows(metric: Metric) -> list[str]:
    return [metric.name, *(row.name for row in metric.summaries)]
