"""Training curves: the loss of the batches, smoothed for the eye, the three validation losses, and how well held-out
questions were answered (`training.validate_retrieval`).
"""

from __future__ import annotations

from functools import partial
from typing import NamedTuple

import numpy as np
from matplotlib.figure import Figure

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
        Plot(name, f"{one.title}, by step, one line per run.", partial(_curve, sweep, one))
        for name, one in _CURVES.items()
        if one.column in sweep.history and select(sweep.history, split=one.split)[one.column].notna().any()
    ]


def _curve(sweep: Sweep, curve: _Curve) -> Figure:
    split, column, title, unit = curve
    rows, style = select(sweep.history, split=split).dropna(subset=[column]), plot_styles(sweep.runs)
    figure, axes = new_axes()
    seen: set[str] = set()
    lowest = np.inf
    for run in sweep.runs["run"]:
        one = rows[rows["run"] == run].sort_values("step")
        if one.empty:
            continue
        label = str(one["configuration"].iloc[0])
        values = one[column].to_numpy(dtype=float)
        values = smooth(values, max(1.0, len(values) / 20)) if split == "train" else values
        lowest = min(lowest, float(np.nanmin(values)))
        look = style[label]
        name = None if label in seen else label
        axes.plot(one["step"], values, color=look.colour, linestyle=look.dash, linewidth=1.2, alpha=0.8, label=name)
        seen.add(label)
    if unit == _LOSS and lowest > 0:
        log_values(axes)
    axes.set(xlabel="step", ylabel=unit, title=title)
    legend_below(figure, axes)
    return figure


CHART = SweepChart(name="curve", position=10, caption="One line per run, coloured by strategy.", plots=curve_plots)
