"""The few numbers that the terminal shows at the end of an evaluation; metrics.csv has all of them."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from hybridret.base.markup import printable
from hybridret.metrics.metric import Metric
from hybridret.metrics.registry import known_metrics


def print_summary(macro: Mapping[str, float]) -> None:
    """Print the macro averages `dataset/setting/metric@cutoff` as a table, one row for each dataset and setting."""
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    rows: dict[tuple[str, str], dict[str, float]] = {}
    for key, value in macro.items():
        dataset, setting, metric = key.rsplit("/", 2)  # the name of a data set may hold a slash
        rows.setdefault((dataset, setting), {})[metric] = value
    present = {metric for row in rows.values() for metric in row}
    shown = _shown(present)
    table = Table("test set", "setting", *(metric.title + cut for metric, cut in shown), box=None, pad_edge=False)
    for number in table.columns[2:]:
        number.justify = "right"
    for (dataset, setting), row in rows.items():
        cells = [_spelled(metric, row.get(metric.name + cut)) for metric, cut in shown]
        table.add_row(Text(printable(dataset)), Text(printable(setting)), *cells)
    Console(soft_wrap=True).print(table)


def _shown(present: Collection[str]) -> list[tuple[Metric, str]]:
    """The columns that are `present`: a metric, and the `@10` after its name."""
    cuts: list[tuple[Metric, str]] = []
    for metric in sorted(known_metrics(), key=lambda one: one.column_order):
        for cutoff in metric.ending:
            cuts.append((metric, f"@{cutoff}" if cutoff else ""))
            if not cutoff:  # metrics of pools that were searched, not ranked in full
                at = sorted(key for key in present if key.startswith(f"{metric.name}@"))
                cuts += [(metric, key.removeprefix(metric.name)) for key in at]
    return [(metric, cut) for metric, cut in cuts if metric.name + cut in present]


def _spelled(metric: Metric, value: float | None) -> str:
    if value is None:
        return ""
    return f"{value:,.0f}" if metric.form == "rank" else f"{value:.3f}"
