"""Tidy rows of foreign values, with the columns of a run's own `queries.parquet` and `metrics.csv`."""

from __future__ import annotations

import numpy as np
import pandas as pd

from hybridret.analysis.foreign.questions import ALL
from hybridret.analysis.question_values import CELL, COLUMNS, MEASURE
from hybridret.base.errors import UserError
from hybridret.metrics.metric import CROSS_LINGUAL, MONOLINGUAL, MULTILINGUAL

MACRO = "macro"


def with_questions(values: pd.DataFrame, asked: pd.DataFrame, dataset: str, setting: str = MONOLINGUAL) -> pd.DataFrame:
    """Values of single queries (`trec.QUERY_VALUES`) as rows with `query_id` and the columns that `question_values`
    takes.

    asked: a row for each query (`questions.ASKED`). Where it has a language of the passages, the setting follows: that
        of the query is monolingual, `all` multilingual, any other cross-lingual. Else it is `setting`.
    Raises UserError for the cross-lingual setting without languages of the passages.
    """
    queries, passages = asked["query_language"], asked["corpus_language"]
    blank = passages == ""
    if setting == CROSS_LINGUAL and blank.any():
        raise UserError(
            f"The query {asked['query_id'][blank].iloc[0]!r} has no language of its passages, which the cross-lingual "
            f"setting needs. Give it in the map, as a fourth column, or as a third group of --question."
        )
    passages = passages.mask(blank, queries if setting == MONOLINGUAL else ALL)
    by_language = np.where(passages == queries, MONOLINGUAL, np.where(passages == ALL, MULTILINGUAL, CROSS_LINGUAL))
    known = asked.assign(
        dataset=dataset, corpus_language=passages, setting=np.where(blank, setting, by_language)
    ).set_index("query_id")
    joined = values.join(known, on="query_id", how="inner")
    return joined[["query_id", *COLUMNS]].reset_index(drop=True)


def averages(rows: pd.DataFrame) -> pd.DataFrame:
    """Rows of `with_questions` averaged as in a `metrics.csv`: over the queries of a cell, and then, as the language
    `macro`, over cells. Columns: those of a measure, of a cell, value and num_queries."""
    keys = [*MEASURE, *CELL]
    cells = rows.groupby(keys, observed=True, sort=False)["value"].agg(["mean", "size"]).reset_index()
    cells = cells.rename(columns={"mean": "value", "size": "num_queries"})
    return with_macro(cells)


def with_macro(cells: pd.DataFrame) -> pd.DataFrame:
    """Averages of single cells, and below them their macro average, which is of equal weights. A missing
    `num_queries` counts as 0."""
    groups = cells.groupby(list(MEASURE), observed=True, sort=False)
    macro = groups.agg(value=("value", "mean"), num_queries=("num_queries", "sum")).reset_index()
    macro = macro.assign(query_language=MACRO, corpus_language=MACRO)
    return pd.concat([cells, macro[list(cells.columns)]], ignore_index=True)
