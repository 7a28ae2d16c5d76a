"""The tables of language bias in the pooled corpus."""

from __future__ import annotations

from hybridret.reporting.collect import Sweep
from hybridret.reporting.select import configurations, macro, select
from hybridret.reporting.table import Cell, Column, Table, percent, rank, score
from hybridret.reporting.tables import by_language, cells_of, turn
from hybridret.reporting.text_remarks import with_text_remarks


def bias_table(sweep: Sweep, dataset: str) -> Table | None:
    """Rank distance by query language (mean over queries, then seeds)."""
    rows = select(sweep.metrics, dataset=dataset, metric="rank_distance", setting="multilingual").copy()
    rows["setting"] = ""
    return by_language(rows, sweep, dataset, f"bias_{dataset}", f"{dataset}: rank distance by query language", rank, -1)


def bias_summary(sweep: Sweep, dataset: str) -> Table | None:
    """Macro values of all bias metrics: rank distance (mean, median, share), PEER and AWRF where defined."""
    shown = [
        ("rank_distance", Column("rank distance", rank, better=-1, help="mean over queries, then over languages")),
        ("rank_distance_median", Column("median", rank, better=-1)),
        ("rank_distance_share", Column("share of pool", percent, better=-1)),
        ("peer", Column("PEER", score, better=+1, help="1 = ranks do not depend on the language")),
        ("awrf", Column("AWRF", score, better=+1, help="1 = exposure in proportion to relevance")),
    ]
    names = configurations(sweep, dataset)
    columns, values = [Column("configuration")], [[Cell(name) for name in names]]
    for metric, column in shown:
        found = macro(sweep, dataset, "multilingual", metric, 0)
        if len(found):
            columns.append(column)
            values.append(cells_of(found, names))
    if len(columns) == 1:
        return None
    table = Table(f"bias_summary_{dataset}", f"{dataset}: language bias in the pooled corpus", columns, turn(values))
    return with_text_remarks(table.with_places(), sweep, names)
