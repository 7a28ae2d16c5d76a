"""The results that a model card shows: macro averages of the metrics that ask for it."""

from __future__ import annotations

import pandas as pd

from hybridret.metrics.registry import known_metrics

SHOWN = {metric.name: metric.title for metric in known_metrics() if metric.card}  # titles by name, in this order
MACRO = "macro"


def shown_results(metrics: pd.DataFrame | None) -> pd.DataFrame:
    """The macro rows of `metrics` (the columns of metrics.csv) whose metric is in `SHOWN`, in their order there.

    `measure` stands besides: the name with its cutoff, `ndcg@10`. `order` sorts measures as cards do.
    """
    if metrics is None or not len(metrics):
        return pd.DataFrame(columns=["dataset", "setting", "metric", "value", "measure", "order"])
    macro = metrics[(metrics["query_language"] == MACRO) & metrics["metric"].isin(SHOWN)]
    macro = macro[macro["cutoff"] != 1]  # where these measures say nearly the same
    cutoff = macro["cutoff"].astype("Int64")
    measure = macro["metric"].where(cutoff.isna(), macro["metric"] + "@" + cutoff.astype(str))
    order = macro["metric"].map(list(SHOWN).index) * 1_000_000 + cutoff.fillna(0)
    return macro.assign(measure=measure, order=order)
