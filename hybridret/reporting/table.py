"""One small table model, written as CSV (raw values), Markdown and, by `templates/table.html`, HTML (best marked)."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from typing import Any

from hybridret.base.markup import escape_markdown, spreadsheet


def score(value: float) -> str:
    """A metric between 0 and 1 as the field writes it: `.976`, `1.000`."""
    text = f"{value:.3f}"
    return text.removeprefix("0") if text.startswith("0.") else text.replace("-0.", "-.")


def rank(value: float) -> str:
    """A distance in ranks: `12,038`, `87.5`."""
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.1f}"


def percent(value: float) -> str:
    """A share: `3.1 %`, `0.04 %`."""
    return f"{100 * value:.{1 if value >= 0.01 or value == 0 else 2}f} %"


def plain(value: Any) -> str:
    """Anything else: whole numbers with thousands, other numbers with 4 digits, text as it is."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return str(value)
    return f"{value:,.0f}" if float(value).is_integer() else f"{value:.4g}"


SHOW = {"score": score, "rank": rank, "percent": percent}  # the `form` of a metric


@dataclass(frozen=True)
class Column:
    """`group` is written above the columns that share it. `better`: +1 higher, -1 lower, 0 not ranked. `source`: what
    the page averages anew under its filters, SETTING/METRIC/CUTOFF/LANGUAGE, or `seeds`; "" for what stays."""

    title: str
    show: Callable[[Any], str] = plain
    group: str = ""
    better: int = 0
    help: str = ""
    source: str = ""

    @property
    def form(self) -> str:
        """The name of `show` in `SHOW`, "" for another one."""
        return next((name for name, show in SHOW.items() if show is self.show), "")

    @property
    def name(self) -> str:
        return f"{self.group} {self.title}".strip()


@dataclass(frozen=True)
class Cell:
    """A value; `std` its spread where several seeds were averaged; `position` 1 best, 2 second, 0 neither;
    `heat` 0..1 colours it in HTML."""

    value: Any = None
    std: float | None = None
    position: int = 0
    heat: float | None = None

    @property
    def missing(self) -> bool:
        return self.value is None or (isinstance(self.value, float) and math.isnan(self.value))

    @property
    def spread(self) -> float | None:
        return None if self.std is None or math.isnan(self.std) else self.std

    @property
    def raw(self) -> str | None:
        """A number with 9 digits, by which a page sorts and which it writes into a CSV; None for a text."""
        number = isinstance(self.value, int | float) and not isinstance(self.value, bool) and not self.missing
        return f"{self.value:.9g}" if number else None

    @property
    def style(self) -> str | None:
        """The colours of the cell as CSS."""
        return None if self.heat is None else heat_style(self.heat)


@dataclass(frozen=True)
class Remark:
    """Text settings of a row: the mark behind its name, and what it stands for, which the CSV has in full."""

    mark: str
    text: str


@dataclass(frozen=True)
class Table:
    """`name` is the file name without ending; the first column names the row. `remarks`: none, or one for each row;
    `note` stands below the table and explains their marks. `dataset` and `configuration`: whose values these are, where
    all are of one."""

    name: str
    caption: str
    columns: Sequence[Column]
    rows: Sequence[Sequence[Cell]]
    remarks: Sequence[Remark] = ()
    note: str = ""
    dataset: str = ""
    configuration: str = ""

    def mark(self, i: int) -> str:
        """What is written behind the name of row i, "" for nothing."""
        return f" {self.remarks[i].mark}" if self.remarks and self.remarks[i].mark else ""

    @property
    def groups(self) -> list[tuple[str, int]]:
        """What stands above neighbouring columns, "" for nothing, and above how many."""
        return [(group, len(list(columns))) for group, columns in groupby(self.columns, key=lambda one: one.group)]

    @property
    def grouped(self) -> bool:
        return any(group for group, _ in self.groups)

    @property
    def edges(self) -> list[int]:
        """The first column of each group."""
        widths = [width for _, width in self.groups]
        return [sum(widths[:i]) for i in range(len(widths) + 1)]

    def is_text(self, j: int) -> bool:
        """Whether column j holds a text, and is written from the left."""
        return any(isinstance(row[j].value, str) for row in self.rows)

    def with_positions(self) -> Table:
        """Mark the best and the second value of each ranked column (equal ones, as shown, share one)."""
        positions = {j: _positions(self, j) for j, column in enumerate(self.columns) if column.better}
        rows = [
            [Cell(c.value, c.std, positions[j][i], c.heat) if j in positions else c for j, c in enumerate(row)]
            for i, row in enumerate(self.rows)
        ]
        return replace(self, rows=rows)

    def csv(self) -> str:
        """All digits; a column of spreads behind each column that has some; last the text settings, if they differ."""
        spreads = [any(row[j].spread is not None for row in self.rows) for j in range(len(self.columns))]
        out = io.StringIO()
        writer = csv.writer(out, lineterminator="\n")
        head = [[c.name, f"{c.name} std"] if s else [c.name] for c, s in zip(self.columns, spreads, strict=True)]
        last = ["text settings"] if self.remarks else []
        writer.writerow([spreadsheet(name) for names in head for name in names] + last)
        for i, row in enumerate(self.rows):
            cells = [
                ["" if c.missing else spreadsheet(c.value), *([_blank(c.spread)] if s else [])]
                for c, s in zip(row, spreads, strict=True)
            ]
            remarks = [spreadsheet(self.remarks[i].text)] if self.remarks else []
            writer.writerow([value for values in cells for value in values] + remarks)
        return out.getvalue()

    def markdown(self) -> str:
        """A pipe table with the caption above; best bold, second underlined."""
        names = [escape_markdown(column.name) for column in self.columns]
        lines = [escape_markdown(self.caption), "", _pipes(names)]
        lines.append(_pipes([":--" if self.is_text(j) else "--:" for j in range(len(self.columns))]))
        for i, row in enumerate(self.rows):
            shown = [self._marked(cell, column) for cell, column in zip(row, self.columns, strict=True)]
            lines.append(_pipes([shown[0] + self.mark(i), *shown[1:]]))
        return "\n".join([*lines, *(["", escape_markdown(self.note)] if self.note else [])]) + "\n"

    def _marked(self, cell: Cell, column: Column) -> str:
        if cell.missing:
            return ""
        text = escape_markdown(column.show(cell.value))
        text = f"**{text}**" if cell.position == 1 else f"<u>{text}</u>" if cell.position == 2 else text
        return text if cell.spread is None else f"{text} ± {column.show(cell.spread)}"


def heat_style(heat: float) -> str:
    """Background from white (0) to dark blue (1): one hue, readable without colour vision; and the text on it."""
    heat = min(max(heat, 0.0), 1.0)
    low, high = (247, 251, 255), (8, 48, 107)
    r, g, b = (round(a + (z - a) * heat) for a, z in zip(low, high, strict=True))
    return f"background:#{r:02x}{g:02x}{b:02x};color:{'#fff' if heat > 0.65 else '#111'}"


def _positions(table: Table, j: int) -> list[int]:
    column = table.columns[j]
    shown = [None if row[j].missing else column.show(row[j].value) for row in table.rows]
    best: dict[str, float] = {}
    for text, row in zip(shown, table.rows, strict=True):
        if text is not None:
            best[text] = max(best.get(text, -math.inf), column.better * float(row[j].value))
    if len(best) < 2:
        return [0] * len(shown)
    order = sorted(best, key=lambda text: -best[text])
    return [0 if text is None or text not in order[:2] else order.index(text) + 1 for text in shown]


def _blank(value: float | None) -> Any:
    return "" if value is None else value


def _pipes(texts: Sequence[str]) -> str:
    return "| " + " | ".join(texts) + " |"
