"""Result files of mteb as runs that can be compared, by their queries where they hold them, else by language."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from hybridret.analysis.foreign.foreign_run import ForeignRun
from hybridret.analysis.foreign.mteb_folder import language_rows, model_name, one_split, query_rows, read_mteb
from hybridret.analysis.foreign.questions import Asked
from hybridret.analysis.foreign.rows import with_macro
from hybridret.analysis.question_values import CELL, MEASURE

BY_LANGUAGE = (
    "These files of mteb hold no values of single queries, only one average of each language (or pair of languages). "
    "The units of every test and interval on them are languages, not questions: they say whether one model is better "
    "in more languages than another, and nothing about the uncertainty inside a language; results of one language "
    "cannot be tested at all. Columns called questions count languages."
)
PARTLY = "Values of single queries are in the files of some models only, so that all are compared by language."


def mteb_runs(paths: Sequence[Path], asked: Asked | None = None) -> list[ForeignRun]:
    """One run for each of `paths`, a result file or the folder of one revision of a model. asked: as in `query_rows`.

    Queries are compared where every file has the values of single queries; else languages are, and a remark says so.
    Raises UserError for damaged files and two models of one name.
    """
    read = {Path(path): read_mteb(path) for path in paths}
    have = [all(len(one.queries) for one in results) for results in read.values()]
    remarks = () if all(have) else (BY_LANGUAGE, PARTLY) if any(have) else (BY_LANGUAGE,)
    found = []
    for path, results in read.items():
        cells = one_split(pd.concat([one.averages for one in results], ignore_index=True))
        if all(have):
            queries = one_split(pd.concat([one.queries for one in results], ignore_index=True))
            values = query_rows(queries, asked)
        else:
            values = language_rows(cells)
        name = model_name(path)
        averages = with_macro(cells[[*MEASURE, *CELL, "value", "num_queries"]])
        found.append(ForeignRun(name, name, "0", values, averages, remarks))
    return found
