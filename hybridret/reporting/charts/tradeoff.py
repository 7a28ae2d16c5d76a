"""What a trade-off is drawn from: both values of each run, the Pareto front of the means, and the choice of metrics."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

from hybridret.analysis.pareto import pareto_front
from hybridret.reporting.collect import Sweep
from hybridret.reporting.select import MACRO, METRICS, cutoff_of, map_cutoffs, select, title_of


def tradeoff(sweep: Sweep, dataset: str, metric: str, cutoff: int) -> pd.DataFrame:
    """One row per run with both values: run, configuration, mono, cross, multi (NaN where it was not evaluated)."""
    rows = select(sweep.metrics, dataset=dataset, metric=metric, cutoff=cutoff, query_language=MACRO)
    wide = rows.pivot_table(index="run", columns="setting", values="value", aggfunc="last")
    names = {"monolingual": "mono", "cross-lingual": "cross", "multilingual": "multi"}
    wide = wide.rename(columns=names).reindex(columns=list(names.values()))
    runs = sweep.runs[["run", "configuration", "seed", "parameters_total", "parameters_body"]]
    return runs.merge(wide.reset_index(), on="run").dropna(subset=["mono", "cross"]).reset_index(drop=True)


def front_of(points: pd.DataFrame) -> pd.DataFrame:
    """The Pareto front of the configurations' means: columns mono, cross, sorted by mono."""
    means = points.groupby("configuration", sort=False)[["mono", "cross"]].mean()
    return means[pareto_front(means.to_numpy(dtype=float))].sort_values("mono")


@dataclass(frozen=True)
class Choice:
    """A metric that a trade-off can be drawn of."""

    title: str
    metric: str
    cutoff: int


def measures(sweep: Sweep, dataset: str) -> list[Choice]:
    """What can be drawn of `dataset`: metrics that a run has both values of, mAP (at its first cutoff) first."""
    here = select(sweep.metrics, dataset=dataset)
    shown = [("map", map_cutoffs(sweep, dataset)[0])]
    shown += [(metric, cutoff_of(here, metric)) for metric in METRICS if metric != "map"]
    return [Choice(title_of(*one), *one) for one in shown if len(tradeoff(sweep, dataset, *one))]
