"""How texts were cut and prefixed: rows of a table that differ in it carry a mark, which a note below explains."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pandas as pd

from hybridret.reporting.table import Remark, Table

if TYPE_CHECKING:
    from hybridret.reporting.collect import Sweep

NOT_RECORDED = "not recorded"
WHOLE = "whole texts"
_KEYS = ("query_length", "passage_length", "query_prefix", "passage_prefix")
_MARKS = ("", "†", "‡", "§", "¶")


def text_words(result: Mapping[str, Any], settings: Mapping[str, Any]) -> str:
    """The text settings of a run as words, `32/64 tokens, "Query: ", "Passage: "`: queries, then passages.

    `result` is its result.json, and `settings` its flat config, for results that do not say it yet. A retriever without
    a model reads whole texts.
    """
    if "text" in result:
        found = result["text"]
        return WHOLE if found is None else _words(found)
    if result.get("training") is None and not result.get("parameters"):
        return WHOLE
    if str(settings.get("backbone._target_", "")).endswith(".SentenceTransformers"):
        return NOT_RECORDED  # the model's own, which the config does not hold
    return _words({key: settings.get(f"text.{key}") for key in _KEYS})


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
    said = [f"{marks[text] or 'unmarked'}: {text}" for text in distinct] + [f"BM25: {WHOLE}"] * (WHOLE in texts)
    note = f"Text settings differ, queries/passages: {'; '.join(said)}."
    return replace(table, remarks=[Remark(marks.get(text, ""), text) for text in texts], note=note)


def text_difference(sweep: Sweep, dataset: str) -> str:
    """The note of the tables of `dataset`; "" where all text settings are the same."""
    names = [str(name) for name in pd.unique(sweep.metrics.loc[sweep.metrics["dataset"] == dataset, "configuration"])]
    return with_text_remarks(Table("", "", [], []), sweep, names).note


def _words(text: Any) -> str:
    if not isinstance(text, Mapping) or not all(isinstance(text.get(key), int) for key in _KEYS[:2]):
        return NOT_RECORDED
    prefixes = [str(text.get(key) or "") for key in _KEYS[2:]]
    shown = ", ".join(f'"{prefix}"' for prefix in prefixes) if any(prefixes) else "no prefixes"
    return f"{text['query_length']}/{text['passage_length']} tokens, {shown}"
