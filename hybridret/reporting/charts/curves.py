"""Training curves: the loss of the batches, smoothed for the eye, the three validation losses, and how well held-out
questions were answered (`training.validate_retrieval`).
"""

from __future__ import annotations

from functools import partial
from typing import NamedTuple

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from hybridret.analysis.smoothing import smooth
from hybridret.reporting.charts.chart import SweepChart
from hybridret.reporting.charts.plot import Plot, legend_below, log_values, new_axes
from hybridret.reporting.charts.plot_style import plot_styles
from hybridret.reporting.collect import Sweep
from hybridret.reporting.select import select

_LOSS = "InfoNCE (nats)"


class _Curve(NamedTuple):
    """A column of history.jsonl by step; `unit` names the axis."""

    split: str
    column: str
    title: str
    unit: str = _LOSS


_CURVES = {
    "curve_train": _Curve("train", "loss", "Training loss, smoothed"),
    "curve_validation": _Curve("validation", "loss", "Validation loss: mean of mono and cross"),
    "curve_validation_mono": _Curve("validation", "mono", "Validation loss: mono batches"),
    "curve_validation_cross": _Curve("validation", "cross", "Validation loss: cross batches"),
    "curve_validation_mono_mrr": _Curve("validation", "mono_mrr", "Validation, monolingual: MRR@10", "MRR@10"),
    "curve_validation_cross_mrr": _Curve("validation", "cross_mrr", "Validation, cross-lingual: MRR@10", "MRR@10"),
    "curve_validation_mono_recall": _Curve("validation", "mono_recall", "Validation, monolingual: R@10", "R@10"),
    "curve_validation_cross_recall": _Curve("validation", "cross_recall", "Validation, cross-lingual: R@10", "R@10"),
    "curve_validation_mono_entropy": _Curve(
        "validation", "mono_entropy", "Validation, monolingual: contrastive entropy", "contrastive entropy"
    ),
    "curve_validation_cross_entropy": _Curve(
        "validation", "cross_entropy", "Validation, cross-lingual: contrastive entropy", "contrastive entropy"
    ),
}


def curve_plots(sweep: Sweep) -> list[Plot]:
    """Training loss (smoothed), the three validation losses and the six measures of retrieval by step, those of them
    that are recorded."""
    return [
        Plot(name, f"{one.title}, by step, one line per run.", partial(_curve, sweep, name, one))
        for name, one in _CURVES.items()
        if _recorded(sweep, one)
    ]


class DrawnCurve(NamedTuple):
    """What is drawn of one column: `lines` are run, steps [n] and values [n]; `logarithmic` is the axis of values."""

    name: str
    title: str
    unit: str
    logarithmic: bool
    lines: list[tuple[str, NDArray[np.int64], NDArray[np.float64]]]


def drawn_curves(sweep: Sweep) -> list[DrawnCurve]:
    """The curves of `curve_plots` as numbers; losses of training are smoothed."""
    return [_drawn(sweep, name, one) for name, one in _CURVES.items() if _recorded(sweep, one)]


def _recorded(sweep: Sweep, curve: _Curve) -> bool:
    column = curve.column
    return column in sweep.history and bool(select(sweep.history, split=curve.split)[column].notna().any())


def _drawn(sweep: Sweep, name: str, curve: _Curve) -> DrawnCurve:
    split, column, title, unit = curve
    rows = select(sweep.history, split=split).dropna(subset=[column]).sort_values("step", kind="stable")
    of = dict(iter(rows.groupby("run", sort=False)))
    lines = []
    for run in (one for one in sweep.runs["run"] if one in of):
        values = of[run][column].to_numpy(dtype=float)
        values = smooth(values, max(1.0, len(values) / 20)) if split == "train" else values
        lines.append((str(run), of[run]["step"].to_numpy(dtype=np.int64), values))
    lowest = min((float(np.nanmin(values)) for *_, values in lines), default=np.inf)
    return DrawnCurve(name, title, unit, unit == _LOSS and lowest > 0, lines)


def _curve(sweep: Sweep, name: str, curve: _Curve) -> Figure:
    drawn, style = _drawn(sweep, name, curve), plot_styles(sweep.runs)
    labels = dict(zip(sweep.runs["run"], sweep.runs["configuration"], strict=True))
    figure, axes = new_axes()
    seen: set[str] = set()
    for run, steps, values in drawn.lines:
        label = str(labels[run])
        look = style[label]
        known = None if label in seen else label
        axes.plot(steps, values, color=look.colour, linestyle=look.dash, linewidth=1.2, alpha=0.8, label=known)
        seen.add(label)
    if drawn.logarithmic:
        log_values(axes)
    axes.set(xlabel="step", ylabel=drawn.unit, title=drawn.title)
    legend_below(figure, axes)
    return figure


CHART = SweepChart(
    name="curve",
    position=10,
    caption="One line per run, coloured by strategy.",
    plots=curve_plots,
    drawn="curves",
)
