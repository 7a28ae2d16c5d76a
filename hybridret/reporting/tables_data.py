"""What a reader made of the training data: rows read, used and dropped, as the run recorded it in `data.summary`."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from hybridret.data.prepared.card_page import in_words, words
from hybridret.reporting.collect import Sweep
from hybridret.reporting.table import Cell, Column, Table


def data_tables(sweep: Sweep) -> list[Table]:
    """One table for each distinct summary: the top keys as rows, what stands below them as text."""
    grouped: dict[str, list[str]] = {}
    for run in sweep.runs["run"]:
        if summary := sweep.summaries.get(run):
            grouped.setdefault(json.dumps(summary), []).append(str(run))
    tables = []
    for i, (text, runs) in enumerate(grouped.items(), 1):
        summary = json.loads(text)
        tested = _trained_on(
            summary, {str(one) for one in sweep.metrics.loc[sweep.metrics["run"].isin(runs), "dataset"]}
        )
        title = str(summary.pop("name", "Training data"))
        cells = [[Cell(words(key)), Cell(in_words(value))] for key, value in summary.items()]
        if tested:
            cells.append([Cell("not zero-shot"), Cell(f"{', '.join(tested)}: the train split was trained on")])
        caption = f"{title} ({len(runs)} run{'s' if len(runs) > 1 else ''})"
        name = "data" if len(grouped) == 1 else f"data_{i}"
        tables.append(Table(name, caption, [Column("what"), Column("counts")], cells))
    return tables


def _trained_on(summary: Mapping[str, Any], datasets: set[str]) -> list[str]:
    """The test sets among `datasets` whose train split is the training data."""
    sources = summary.get("sources")  # of a mix
    parts = [summary, *(sources.values() if isinstance(sources, Mapping) else ())]
    found = [one.get("train_split_of") for one in parts if isinstance(one, Mapping)]
    names = [str(name) for benchmarks in found if isinstance(benchmarks, list) for name in benchmarks]
    return sorted(one for one in datasets if any(one == name or one.startswith(f"{name}_") for name in names))
