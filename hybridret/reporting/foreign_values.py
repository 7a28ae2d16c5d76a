"""What foreign runs measured, as one table: macro averages with the number of questions behind them."""

from __future__ import annotations

import pandas as pd

from hybridret.reporting.foreign_evidence import ForeignEvidence
from hybridret.reporting.select import METRICS

COLUMNS = ("dataset", "setting", "metric", "cutoff", "configuration", "run", "seed", "value", "units", "left_out")


def macro_frame(evidence: ForeignEvidence) -> pd.DataFrame:
    """One row for each data set, setting, measure and run, with `COLUMNS`: the macro average over languages of the
    units (questions, or languages where no value of a single query is known) that all runs share, their number, and
    how many were left out because some run lacks them."""
    rows = [
        (dataset, *measure, configuration, run, seed, value, len(found.questions), found.left_out)
        for dataset in evidence.datasets
        for measure, found in evidence.values(dataset).items()
        for configuration, run, seed, value in zip(
            found.configurations, found.runs, found.seeds, found.macro.tolist(), strict=True
        )
    ]
    return pd.DataFrame(rows, columns=list(COLUMNS))


def macro_lines(frame: pd.DataFrame) -> list[str]:
    """The rows of `macro_frame` in words, one paragraph for each measure."""
    lines = []
    for (dataset, setting, metric, cutoff), rows in frame.groupby(
        ["dataset", "setting", "metric", "cutoff"], sort=False
    ):
        title = METRICS[metric].title if metric in METRICS else str(metric)
        measure = f"{title}@{cutoff}" if cutoff else title
        values = ", ".join(f"{row['run']} {row['value']:.4f}" for row in rows.to_dict("records"))
        first = rows.iloc[0]
        left = f", {first['left_out']:,} left out that some run lacks" if first["left_out"] else ""
        lines.append(f"{dataset}, {setting}, {measure}: {values} ({first['units']:,} units{left}).")
    return lines
