"""The tables of language bias in the pooled corpus."""

from __future__ import annotations

from dataclasses import replace

from hybridret.metrics.registry import table_metrics
from hybridret.reporting.collect import Sweep
from hybridret.reporting.select import configurations, macro, select
from hybridret.reporting.table import SHOW, Cell, Column, Table, rank
from hybridret.reporting.tables import by_language, cells_of, macro_source, turn
from hybridret.reporting.text_remarks import with_text_remarks


def bias_table(sweep: Sweep, dataset: str) -> Table | None:
    """Rank distance by query language (mean over queries, then seeds)."""
    rows = select(sweep.metrics, dataset=dataset, metric="rank_distance", setting="multilingual").copy()
    rows["setting"] = ""
    caption = f"{dataset}: rank distance by query language"
    return by_language(rows, sweep, dataset, f"bias_{dataset}", caption, rank, -1, "rank_distance/0")


def bias_summary(sweep: Sweep, dataset: str) -> Table | None:
    """Macro values of all metrics of language bias (rank distance and its summaries, PEER, AWRF) where defined."""
    shown = []
    for metric in table_metrics("bias").values():
        shown.append((metric.name, Column(metric.title, SHOW[metric.form], better=metric.better, help=metric.help)))
        shown += [(one.name, Column(one.title, SHOW[one.form], better=metric.better)) for one in metric.summaries]
    names = configurations(sweep, dataset)
    columns, values = [Column("configuration")], [[Cell(name) for name in names]]
    for name, column in shown:
        found = macro(sweep, dataset, "multilingual", name, 0)
        if len(found):
            columns.append(replace(column, source=macro_source("multilingual", name, 0)))
            values.append(cells_of(found, names))
    if len(columns) == 1:
        return None
    table = Table(
        f"bias_summary_{dataset}",
        f"{dataset}: language bias in the pooled corpus",
        columns,
        turn(values),
        dataset=dataset,
    )
    return with_text_remarks(table.with_positions(), sweep, names)
