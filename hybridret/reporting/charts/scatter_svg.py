"""The trade-off scatter as inline SVG: monolingual (x) against cross-lingual (y), one mark per run, named on hover.

Drawn by a template rather than by matplotlib so that each mark carries its run for the tooltip. The dashed line is the
Pareto front of the configurations' means over seeds.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from markupsafe import Markup

from hybridret.reporting.charts.plot_style import PlotStyle, plot_styles
from hybridret.reporting.charts.tradeoff import Choice, front_of, tradeoff
from hybridret.reporting.collect import Sweep
from hybridret.reporting.table import score
from hybridret.reporting.templates import render

WIDTH, HEIGHT = 640, 460
LEFT, RIGHT, TOP, BOTTOM = 62, 18, 16, 52
_CORNERS = {
    "s": ((-0.9, -0.9), (0.9, -0.9), (0.9, 0.9), (-0.9, 0.9)),
    "^": ((0, -1.15), (1.1, 0.85), (-1.1, 0.85)),
    "v": ((0, 1.15), (1.1, -0.85), (-1.1, -0.85)),
    "D": ((0, -1.2), (1.2, 0), (0, 1.2), (-1.2, 0)),
    "P": ((-0.4, -1.1), (0.4, -1.1), (0.4, -0.4), (1.1, -0.4), (1.1, 0.4), (0.4, 0.4), (0.4, 1.1), (-0.4, 1.1),
          (-0.4, 0.4), (-1.1, 0.4), (-1.1, -0.4), (-0.4, -0.4)),
    "X": ((-1.1, -0.6), (-0.6, -1.1), (0, -0.5), (0.6, -1.1), (1.1, -0.6), (0.5, 0), (1.1, 0.6), (0.6, 1.1),
          (0, 0.5), (-0.6, 1.1), (-1.1, 0.6), (-0.5, 0)),
}  # fmt: skip


@dataclass(frozen=True)
class Mark:
    """`shape`: one of matplotlib's marks; x, y, radius in pixels. `label`: a tooltip, or the text of a legend."""

    shape: str
    colour: str
    label: str
    x: float
    y: float
    radius: float = 6.0

    @property
    def corners(self) -> str:
        """The points of its polygon; "" for a circle."""
        corners = _CORNERS.get(self.shape, ())
        return " ".join(f"{self.x + a * self.radius:.1f},{self.y + b * self.radius:.1f}" for a, b in corners)


def scatter_svg(sweep: Sweep, dataset: str, choice: Choice) -> Markup:
    """The SVG element; "" without points."""
    title = choice.title
    points = tradeoff(sweep, dataset, choice.metric, choice.cutoff, choice.untrained)
    if points.empty:
        return Markup()
    style = plot_styles(sweep.runs)
    x, y = _Axis(points["mono"], LEFT, WIDTH - RIGHT), _Axis(points["cross"], HEIGHT - BOTTOM, TOP)
    rows = [{str(k): v for k, v in row.items()} for row in points.to_dict("records")]
    return render(
        "scatter.html",
        label=f"{dataset}: monolingual against cross-lingual {title}, one mark per run ({len(points)} runs)",
        title=title,
        width=WIDTH,
        height=HEIGHT,
        left=LEFT,
        right=WIDTH - RIGHT,
        top=TOP,
        bottom=HEIGHT - BOTTOM,
        x_ticks=[(x(value), x.text(value)) for value in x.ticks],
        y_ticks=[(y(value), y.text(value)) for value in y.ticks],
        front=[(x(a), y(b)) for a, b in front_of(points)[["mono", "cross"]].to_numpy()],
        marks=[_mark(row, style, x, y, sweep.name) for row in rows],
    )


class _Axis:
    """Maps values to pixels; ticks at round numbers; a margin around the data."""

    def __init__(self, values: pd.Series[float], start: float, end: float) -> None:
        low, high = float(values.min()), float(values.max())
        span = max(high - low, 0.02)
        self._low, self._high = low - 0.08 * span, high + 0.08 * span
        self._start, self._end = start, end
        raw = (self._high - self._low) / 6
        power = 10.0 ** np.floor(np.log10(raw))
        step = power * min((m for m in (1, 2, 5, 10) if m * power >= raw), default=10)
        first, last = int(np.ceil(self._low / step)), int(np.floor(self._high / step))
        self.ticks = [float(i * step) for i in range(first, last + 1)]
        self._digits = max(1, int(-np.floor(np.log10(step) + 1e-9)))

    def __call__(self, value: float) -> float:
        return self._start + (value - self._low) / (self._high - self._low) * (self._end - self._start)

    def text(self, value: float) -> str:
        shown = f"{value:.{self._digits}f}"
        return shown.removeprefix("0") if shown.startswith("0.") and value else shown


def _mark(row: dict[str, object], style: dict[str, PlotStyle], x: _Axis, y: _Axis, sweep: str) -> Mark:
    look = style[str(row["configuration"])]
    mono, cross, multi = (float(str(row[key])) for key in ("mono", "cross", "multi"))
    values = f"Mo. {score(mono)} · Cr. {score(cross)}" + ("" if np.isnan(multi) else f" · Mul. {score(multi)}")
    size = float(str(row["parameters_total"]))
    lines = [str(row["configuration"]) + f", seed {row['seed']}", values]
    if not np.isnan(size):
        lines.append(f"{size:,.0f} parameters ({float(str(row['parameters_body'])):,.0f} without embeddings)")
    lines.append(f"{sweep}/{row['run']}")
    return Mark(look.mark, look.colour, "\n".join(lines), x(mono), y(cross))
