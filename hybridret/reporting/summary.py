"""The table that ends a sweep on the terminal: Mo., Cr., Mul. and rank distance per configuration."""

from __future__ import annotations

from rich.markup import escape
from rich.table import Table as RichTable
from rich.text import Text

from hybridret.base.markup import printable
from hybridret.reporting.collect import Sweep
from hybridret.reporting.select import METRICS
from hybridret.reporting.table import Cell, Column
from hybridret.reporting.tables import main_table

_METRICS = tuple(name for name, metric in METRICS.items() if metric.overview)


def summary_table(sweep: Sweep, dataset: str | None = None) -> RichTable:
    """The main table of `dataset` (default: the first one) with metrics of the `overview` alone; best bold, second
    underlined."""
    name = dataset or sweep.datasets[0]
    found = main_table(sweep, name, _METRICS)
    table = RichTable(
        title=escape(printable(f"{sweep.name}: {name}")), title_justify="left", header_style="bold", pad_edge=False
    )
    for j, column in enumerate(found.columns):
        table.add_column(
            Text(f"{printable(column.group)}\n{printable(column.title)}".strip()),
            justify="right" if j else "left",
            no_wrap=bool(j),
        )
    for i, row in enumerate(found.rows):
        texts = [_text(cell, column) for cell, column in zip(row, found.columns, strict=True)]
        table.add_row(texts[0].append(found.mark(i)), *texts[1:])
    if found.note:
        table.caption, table.caption_justify = Text(printable(found.note)), "left"
    return table


def _text(cell: Cell, column: Column) -> Text:
    if cell.missing:
        return Text("")
    text = Text(printable(column.show(cell.value)), style={1: "bold", 2: "underline"}.get(cell.position, ""))
    if cell.spread is not None:
        text.append(f"\n±{column.show(cell.spread)}", style="dim not bold not underline")
    return text
