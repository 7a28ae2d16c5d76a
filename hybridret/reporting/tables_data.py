"""What a reader made of the training data: rows read, used and dropped, as the run recorded it in `data.summary`."""

from __future__ import annotations

import json

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
        title = str(summary.pop("name", "Training data"))
        cells = [[Cell(words(key)), Cell(in_words(value))] for key, value in summary.items()]
        caption = f"{title} ({len(runs)} run{'s' if len(runs) > 1 else ''})"
        name = "data" if len(grouped) == 1 else f"data_{i}"
        tables.append(Table(name, caption, [Column("what"), Column("counts")], cells))
    return tables
