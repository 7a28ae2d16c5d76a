"""What a mirror of the report shows: how the runs of a sweep were logged, the trade-off as a frame, and the names of
macro averages. Plain values, since this room knows no tracker."""

from __future__ import annotations

from typing import Any

import pandas as pd

from hybridret.base.settings import LoggerSettings
from hybridret.reporting.collect import Sweep
from hybridret.reporting.read import settings_of
from hybridret.reporting.select import MACRO, SETTINGS, map_rows, select

DISABLED, OFFLINE = "disabled", "offline"
PROJECT = "hybridret"
RUN = ("configuration", "run", "seed", "strategy", "alpha", "backbone", "size", "parameters_body", "parameters_total")
BIAS = "rank_distance"


def logger_of(sweep: Sweep) -> LoggerSettings:
    """The section `logger` of the first run that had one enabled; where none had, offline, in the project that the
    first run names. Tags stay those of the runs. Raises UserError for a damaged config."""
    found = [
        {key.removeprefix("logger."): value for key, value in flat.items() if key.startswith("logger.")}
        for flat in (settings_of(sweep.folder / str(run) / "config.yaml") for run in sweep.runs["run"])
    ]
    enabled = [one for one in found if one.get("mode") not in (None, DISABLED)]
    first: dict[str, Any] = next(iter([*enabled, *found]), {})
    mode = first.get("mode") if enabled else OFFLINE
    entity = first.get("entity")
    return LoggerSettings(
        mode=mode,  # type: ignore[arg-type]  # check_tracker looks at it
        project=str(first.get("project") or PROJECT),
        entity=None if entity is None else str(entity),
        tags=[],
    )


def trade_off_frame(sweep: Sweep) -> pd.DataFrame:
    """One row for each dataset and run: what identifies the run, its mAP in each setting (Mo., Cr., Mul.), and its rank
    distance. Missing where it was not measured."""
    parts = []
    for dataset in sweep.datasets:
        quality = map_rows(sweep, dataset, query_language=MACRO)
        bias = select(sweep.metrics, dataset=dataset, metric=BIAS, query_language=MACRO)
        wide = quality.pivot_table(index="run", columns="setting", values="value", aggfunc="last")
        wide = wide.reindex(columns=list(SETTINGS)).rename(columns=SETTINGS)
        wide[BIAS] = bias.groupby("run")["value"].last()
        parts.append(sweep.runs[list(RUN)].merge(wide.reset_index(), on="run").assign(dataset=dataset))
    frame = pd.concat(parts, ignore_index=True)
    return frame[["dataset", *(name for name in frame.columns if name != "dataset")]]


def metric_names(sweep: Sweep) -> dict[str, list[str]]:
    """`dataset/setting/metric@cutoff` of all macro averages, by dataset, as `result.json` calls them."""
    rows = select(sweep.metrics, query_language=MACRO)
    names = [
        (str(row["dataset"]), f"{row['dataset']}/{row['setting']}/{row['metric']}" + _cut(int(row["cutoff"])))
        for row in rows[["dataset", "setting", "metric", "cutoff"]].drop_duplicates().to_dict("records")
    ]
    return {dataset: [name for own, name in names if own == dataset] for dataset in sweep.datasets}


def _cut(cutoff: int) -> str:
    return f"@{cutoff}" if cutoff else ""
