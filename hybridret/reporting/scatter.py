"""The trade-off scatter as inline SVG: monolingual (x) against cross-lingual (y), one mark per run, named on hover.

Drawn by hand rather than by matplotlib so that each mark carries its run for the tooltip. The dashed line is the Pareto
front of the configurations' means over seeds.
"""

from __future__ import annotations

from dataclasses import dataclass
from html import escape

import numpy as np
import pandas as pd

from hybridret.analysis.pareto import pareto_front
from hybridret.reporting.collect import Sweep
from hybridret.reporting.plot_style import PlotStyle, plot_styles
from hybridret.reporting.select import MACRO, METRICS, cutoff_of, map_cutoffs, select, title_of
from hybridret.reporting.table import score

WIDTH, HEIGHT = 640, 460
LEFT, RIGHT, TOP, BOTTOM = 62, 18, 16, 52


def tradeoff(sweep: Sweep, dataset: str, metric: str, cutoff: int, untrained: bool = True) -> pd.DataFrame:
    """One row per run with both values: run, configuration, mono, cross, multi (NaN where it was not evaluated)."""
    rows = select(sweep.metrics, dataset=dataset, metric=metric, cutoff=cutoff, query_language=MACRO)
    wide = rows.pivot_table(index="run", columns="setting", values="value", aggfunc="last")
    names = {"monolingual": "mono", "cross-lingual": "cross", "multilingual": "multi"}
    wide = wide.rename(columns=names).reindex(columns=list(names.values()))
    kept = sweep.runs if untrained else sweep.runs[sweep.runs["trained"]]
    runs = kept[["run", "configuration", "seed", "parameters_total", "parameters_body"]]
    return runs.merge(wide.reset_index(), on="run").dropna(subset=["mono", "cross"]).reset_index(drop=True)


def front_of(points: pd.DataFrame) -> pd.DataFrame:
    """The Pareto front of the configurations' means: columns mono, cross, sorted by mono."""
    means = points.groupby("configuration", sort=False)[["mono", "cross"]].mean()
    return means[pareto_front(means.to_numpy(dtype=float))].sort_values("mono")


@dataclass(frozen=True)
class Choice:
    """One panel of the scatter. `untrained`: with the runs that were not trained, which may lie far from the others."""

    title: str
    metric: str
    cutoff: int
    untrained: bool = True

    @property
    def name(self) -> str:
        return self.title if self.untrained else f"{self.title}, trained only"


def scatter_choices(sweep: Sweep, dataset: str) -> list[Choice]:
    """What can be plotted."""
    here = select(sweep.metrics, dataset=dataset)
    found = []
    shown = [("map", cutoff) for cutoff in map_cutoffs(sweep, dataset)]
    shown += [(metric, cutoff_of(here, metric)) for metric in METRICS if metric != "map"]
    for metric, cutoff in shown:
        title = title_of(metric, cutoff)
        points = tradeoff(sweep, dataset, metric, cutoff)
        trained = tradeoff(sweep, dataset, metric, cutoff, untrained=False)
        if len(points):
            found.append(Choice(title, metric, cutoff))
        if metric == "map" and 0 < len(trained) < len(points):
            found.append(Choice(title, metric, cutoff, untrained=False))
    return found


def scatter_svg(sweep: Sweep, dataset: str, choice: Choice) -> str:
    """The SVG element; "" without points."""
    title = choice.title
    points = tradeoff(sweep, dataset, choice.metric, choice.cutoff, choice.untrained)
    if points.empty:
        return ""
    style = plot_styles(sweep.runs)
    x, y = _Axis(points["mono"], LEFT, WIDTH - RIGHT), _Axis(points["cross"], HEIGHT - BOTTOM, TOP)
    grid = "".join(
        f'<line x1="{x(v):.1f}" x2="{x(v):.1f}" y1="{TOP}" y2="{HEIGHT - BOTTOM}"/>' for v in x.ticks
    ) + "".join(f'<line x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y(v):.1f}" y2="{y(v):.1f}"/>' for v in y.ticks)
    numbers = "".join(
        f'<text x="{x(v):.1f}" y="{HEIGHT - BOTTOM + 20}" text-anchor="middle">{x.text(v)}</text>' for v in x.ticks
    ) + "".join(f'<text x="{LEFT - 8}" y="{y(v) + 4:.1f}" text-anchor="end">{y.text(v)}</text>' for v in y.ticks)
    front = front_of(points)
    line = " ".join(f"{x(a):.1f},{y(b):.1f}" for a, b in front[["mono", "cross"]].to_numpy())
    means = "".join(f'<circle cx="{x(a):.1f}" cy="{y(b):.1f}" r="3"/>' for a, b in front[["mono", "cross"]].to_numpy())
    marks = "".join(
        _mark({str(k): v for k, v in row.items()}, style, x, y, sweep.name) for row in points.to_dict("records")
    )
    middle = (TOP + HEIGHT - BOTTOM) / 2
    label = f"{dataset}: monolingual against cross-lingual {title}, one mark per run ({len(points)} runs)"
    return (
        f'<svg class="plot scatter" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{escape(label)}">'
        f'<g class="grid">{grid}</g><g class="ticks">{numbers}</g>'
        f'<text class="axis" x="{(LEFT + WIDTH - RIGHT) / 2:.0f}" y="{HEIGHT - 10}" text-anchor="middle">'
        f"Monolingual {escape(title)} →</text>"
        f'<text class="axis" transform="translate(15 {middle:.0f}) rotate(-90)" text-anchor="middle">'
        f"Cross-lingual {escape(title)} →</text>"
        f'<polyline class="front" points="{line}"/><g class="means">{means}</g>{marks}</svg>'
    )


def mark_svg(mark: str, x: float, y: float, r: float = 6.0) -> str:
    """One of matplotlib's marks as an SVG shape around (x, y)."""
    corners = {
        "s": [(-0.9, -0.9), (0.9, -0.9), (0.9, 0.9), (-0.9, 0.9)],
        "^": [(0, -1.15), (1.1, 0.85), (-1.1, 0.85)],
        "v": [(0, 1.15), (1.1, -0.85), (-1.1, -0.85)],
        "D": [(0, -1.2), (1.2, 0), (0, 1.2), (-1.2, 0)],
        "P": [(-0.4, -1.1), (0.4, -1.1), (0.4, -0.4), (1.1, -0.4), (1.1, 0.4), (0.4, 0.4), (0.4, 1.1), (-0.4, 1.1),
              (-0.4, 0.4), (-1.1, 0.4), (-1.1, -0.4), (-0.4, -0.4)],
        "X": [(-1.1, -0.6), (-0.6, -1.1), (0, -0.5), (0.6, -1.1), (1.1, -0.6), (0.5, 0), (1.1, 0.6), (0.6, 1.1),
              (0, 0.5), (-0.6, 1.1), (-1.1, 0.6), (-0.5, 0)],
    }  # fmt: skip
    if mark not in corners:
        return f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{r}"/>'
    return '<polygon points="' + " ".join(f"{x + a * r:.1f},{y + b * r:.1f}" for a, b in corners[mark]) + '"/>'


def legend_html(style: dict[str, PlotStyle], names: list[str]) -> str:
    """The legend of the scatter, below it so that it wraps on narrow screens."""
    items = "".join(
        f'<li><svg viewBox="0 0 18 18" aria-hidden="true"><g fill="{style[name].colour}">'
        f"{mark_svg(style[name].mark, 9, 9)}</g></svg>"
        f"{escape(name)}</li>"
        for name in names
    )
    return f'<ul class="legend">{items}<li><span class="dash"></span>Pareto front of the means</li></ul>'


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


def _mark(row: dict[str, object], style: dict[str, PlotStyle], x: _Axis, y: _Axis, sweep: str) -> str:
    look = style[str(row["configuration"])]
    mono, cross, multi = (float(str(row[key])) for key in ("mono", "cross", "multi"))
    values = f"Mo. {score(mono)} · Cr. {score(cross)}" + ("" if np.isnan(multi) else f" · Mul. {score(multi)}")
    size = float(str(row["parameters_total"]))
    lines = [str(row["configuration"]) + f", seed {row['seed']}", values]
    if not np.isnan(size):
        lines.append(f"{size:,.0f} parameters ({float(str(row['parameters_body'])):,.0f} without embeddings)")
    lines.append(f"{sweep}/{row['run']}")
    tip = escape("\n".join(lines), quote=True)
    return (
        f'<g class="mark" tabindex="0" data-tip="{tip}" fill="{look.colour}"><title>{tip}</title>'
        f"{mark_svg(look.mark, x(mono), y(cross))}</g>"
    )
