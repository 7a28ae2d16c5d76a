"""Rows of a table whose texts were cut or prefixed otherwise carry a mark, which a note below explains."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pandas as pd

from hybridret.reporting.collect import Sweep
from hybridret.reporting.table import Remark, Table
from hybridret.reporting.texts import WHOLE

_MARKS = ("", "†", "‡", "§", "¶")


def with_text_remarks(table: Table, sweep: Sweep, rows: Sequence[str | None], column: str = "configuration") -> Table:
    """`table` with a mark on each row whose texts were cut or prefixed otherwise than those of the first row.

    `rows` are the values of `column` of `sweep.runs` that stand in the rows, None for what is not of this sweep. A
    table whose rows have one setting is left as it is.
    """
    runs = sweep.runs.drop_duplicates(column)
    words: dict[Any, str] = dict(zip(runs[column], runs["text"], strict=True))
    texts = ["" if row is None else words[row] for row in rows]
    distinct = [text for text in dict.fromkeys(texts) if text not in ("", WHOLE)]
    if len(distinct) < 2:
        return table
    marks = {text: _MARKS[i] if i < len(_MARKS) else f"({i})" for i, text in enumerate(distinct)}
    remarks = [f"{marks[text] or 'unmarked'}: {text}" for text in distinct] + [f"BM25: {WHOLE}"] * (WHOLE in texts)
    note = f"Text settings differ, queries/passages: {'; '.join(remarks)}."
    return replace(table, remarks=[Remark(marks.get(text, ""), text) for text in texts], note=note)


def text_difference(sweep: Sweep, dataset: str) -> str:
    """The note of the tables of `dataset`; "" where all text settings are the same."""
    names = [str(name) for name in pd.unique(sweep.metrics.loc[sweep.metrics["dataset"] == dataset, "configuration"])]
    return with_text_remarks(Table("", "", [], []), sweep, names).note
