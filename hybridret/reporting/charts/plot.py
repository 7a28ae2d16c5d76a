"""A figure that can be written (PNG and SVG, deterministic: same data, same bytes) or put into a page.

Figures are built without pyplot, so nothing global changes and no display is needed.
"""

from __future__ import annotations

import io
import re
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import matplotlib
from markupsafe import Markup, escape
from matplotlib import ticker
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from hybridret.base.files import atomic_path
from hybridret.base.markup import visible

LEGEND = 18  # entries below a figure
_SETTINGS: dict[Any, Any] = {
    "svg.hashsalt": "hybridret",
    "svg.fonttype": "none",
    "font.family": "sans-serif",
    "font.sans-serif": ["DejaVu Sans"],
    "text.parse_math": False,  # a dollar sign in the name of a data set is one
    "font.size": 10,
    "axes.grid": True,
    "axes.axisbelow": True,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "grid.color": "#e3e6ea",
    "axes.edgecolor": "#8a929b",
    "legend.frameon": False,
    "legend.fontsize": 9,
}


@dataclass(frozen=True)
class Plot:
    """`name` is the file name without ending, `alt` describes it in words; `draw` makes the figure."""

    name: str
    alt: str
    draw: Callable[[], Figure]

    @cached_property
    def svg(self) -> bytes:
        """The bytes of the SVG file, drawn once for the file and the page."""
        return self._bytes("svg")

    def write(self, folder: Path) -> None:
        """Write NAME.png and NAME.svg."""
        for name, content in ((f"{self.name}.png", self._bytes("png")), (f"{self.name}.svg", self.svg)):
            with atomic_path(folder / name) as temporary:
                temporary.write_bytes(content)

    def _bytes(self, form: str) -> bytes:
        out = io.BytesIO()
        with matplotlib.rc_context(_SETTINGS), warnings.catch_warnings():
            warnings.filterwarnings("ignore", r"Glyph \d+")  # of a script that the font lacks: a box is drawn
            metadata = {"Date": None} if form == "svg" else {"Software": None}
            self.draw().savefig(out, format=form, dpi=150, metadata=metadata)
        return visible(out.getvalue().decode("utf-8")).encode("utf-8") if form == "svg" else out.getvalue()

    def inline(self, prefix: str) -> Markup:
        """The SVG for a page: no XML head, ids made unique by `prefix`, size left to the style sheet."""
        text = self.svg.decode("utf-8")
        text = text[text.index("<svg") :]
        text = re.sub(r'\bid="', f'id="{prefix}-', text)
        text = re.sub(r'(href="#|url\(#)', rf"\g<1>{prefix}-", text)
        text = re.sub(r"<metadata>.*?</metadata>", "", text, flags=re.DOTALL)
        head, body = text.split(">", 1)
        head = re.sub(r'\s(?:width|height)="[^"]*"', "", head)
        return Markup(f'{head} class="plot" role="img" aria-label="{escape(self.alt)}">{body}')


def new_axes(width: float = 4.9, height: float = 3.5) -> tuple[Figure, Axes]:
    """A figure of this size in inches with one pair of axes."""
    figure = Figure(figsize=(width, height), layout="constrained")
    return figure, figure.add_subplot()


def log_values(axes: Axes) -> None:
    """Make the vertical axis of a drawn chart logarithmic, its numbers plain: those of matplotlib are formulas, which
    are not read here. Below a factor of ten, steps of 1, 2 and 5 would leave one number or none: there they are even.
    """
    axes.set_yscale("log")
    low, high = axes.get_ylim()
    even = high < 10 * low
    axes.yaxis.set_major_locator(ticker.MaxNLocator(5) if even else ticker.LogLocator(subs=(1.0, 2.0, 5.0)))
    axes.yaxis.set_major_formatter(ticker.FuncFormatter(lambda value, _: f"{value:,.6g}"))
    axes.yaxis.set_minor_locator(ticker.NullLocator())


def legend_below(figure: Figure, axes: Axes, columns: int = 3) -> None:
    """Put the legend below the axes, in as many columns as its labels leave room for. Of many labels it has the first,
    and says how many more there are: all of them would leave no room for the axes."""
    handles, labels = axes.get_legend_handles_labels()
    if len(labels) > LEGEND:
        more = f"and {len(labels) - LEGEND + 1} more"
        handles, labels = [*handles[: LEGEND - 1], Line2D([], [], linestyle="none")], [*labels[: LEGEND - 1], more]
    if handles:
        longest = max(len(label) for label in labels)
        beside = max(1, min(columns, 58 // (longest + 6), len(labels)))
        lines = -(-len(labels) // beside)
        figure.set_figheight(figure.get_figheight() + 0.2 * max(0, lines - 8))
        figure.legend(handles, labels, loc="outside lower center", ncols=beside)
