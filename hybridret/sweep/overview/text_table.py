"""An overview on a terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hybridret.base.markup import printable
from hybridret.sweep.overview.columns import counts, summary, texts
from hybridret.sweep.overview.survey import Survey

if TYPE_CHECKING:
    from rich.console import Group

_RIGHT = ("rate", "left", "requeues")
_STYLES = {"finished": "green", "failed": "red", "damaged": "red", "running": "blue", "interrupted": "yellow"}


def rendered(found: Survey) -> Group:
    """A table with a row for each run, and the totals under it, for `rich`."""
    from rich.console import Group
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, pad_edge=False)
    shown = texts(found.rows, found.at)
    for title in shown:
        table.add_column(title, justify="right" if title in _RIGHT else "left", overflow="fold")
    for cells in zip(*shown.values(), strict=True):
        styled = zip(shown, cells, strict=True)
        table.add_row(*(Text(cell, style=_STYLES.get(cell, "") if title == "state" else "") for title, cell in styled))
    lines = [f"{found.folder}: {counts(found.totals)}", "; ".join(summary(found.totals, found.at)), *found.faults]
    return Group(table, *(Text(printable(line), overflow="fold") for line in lines))
