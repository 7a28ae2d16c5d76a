"""Rows of a collected sweep: by condition, macro averages by configuration, and the names of what is shown.

Settings (LAReQA and the paper): Mo. macro over languages, Cr. macro over ordered language pairs, Mul.
macro over query languages against the pooled corpus.
"""

from __future__ import annotations

from typing import Any

import pandas as pd

from hybridret.analysis.spread import mean_and_spread
from hybridret.metrics.registry import table_metrics
from hybridret.reporting.collect import Sweep

SETTINGS = {"monolingual": "Mo.", "cross-lingual": "Cr.", "multilingual": "Mul."}
METRICS = table_metrics("quality")  # the columns of quality, by name
MACRO = "macro"
WHERE = {
    "monolingual": "queries and passages in one language; mean over languages",
    "cross-lingual": "queries of one language, passages of another; mean over ordered pairs",
    "multilingual": "queries of one language, passages of all languages pooled; mean over query languages",
}


def cutoff_of(metrics: pd.DataFrame, metric: str, wanted: int = 10) -> int:
    """The cutoff to show of `metric`: the wanted one if it was computed, else the first; 0 where it has none."""
    known = sorted(int(k) for k in metrics.loc[metrics["metric"] == metric, "cutoff"].unique())
    return wanted if wanted in known or not known else known[0]


def map_cutoffs(sweep: Sweep, dataset: str) -> list[int]:
    """The cutoffs of mAP on `dataset`, 0 (the full ranking) first. The first one is shown where there is room for one.

    Pools that were searched rather than ranked in full have mAP at the depth of the search only; [0] without any mAP.
    """
    rows = select(sweep.metrics, dataset=dataset, metric="map")
    return sorted(int(cutoff) for cutoff in rows["cutoff"].unique()) or [0]


def map_rows(sweep: Sweep, dataset: str, **conditions: Any) -> pd.DataFrame:
    """The rows of mAP on `dataset` at its first cutoff, as `select`."""
    return select(sweep.metrics, dataset=dataset, metric="map", cutoff=map_cutoffs(sweep, dataset)[0], **conditions)


def map_title(sweep: Sweep, dataset: str) -> str:
    """The title of mAP on `dataset` at its first cutoff."""
    return title_of("map", map_cutoffs(sweep, dataset)[0])


def title_of(metric: str, cutoff: int) -> str:
    """`mAP`, `mAP@1000`, `R@10`."""
    return METRICS[metric].title + (f"@{cutoff}" if cutoff else "")


def select(metrics: pd.DataFrame, **conditions: Any) -> pd.DataFrame:
    """The rows of `metrics` where every named column has the given value."""
    keep = pd.Series(True, index=metrics.index)
    for column, value in conditions.items():
        keep &= metrics[column] == value
    return metrics[keep]


def macro(sweep: Sweep, dataset: str, setting: str, metric: str, cutoff: int) -> pd.DataFrame:
    """Mean, std and n over seeds of one macro value per configuration, indexed by configuration."""
    rows = select(sweep.metrics, dataset=dataset, setting=setting, metric=metric, cutoff=cutoff, query_language=MACRO)
    return mean_and_spread(rows, ["configuration"]).set_index("configuration")


def configurations(sweep: Sweep, dataset: str) -> list[str]:
    """The configurations that were evaluated on `dataset`, in the order of the report."""
    evaluated = set(sweep.metrics.loc[sweep.metrics["dataset"] == dataset, "configuration"])
    return [name for name in sweep.runs["configuration"].unique() if name in evaluated]
