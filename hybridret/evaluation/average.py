"""A test set that is several collections, each with a corpus of its own: the mean of their values.

BEIR's cqadupstack is twelve subforums; its number is the mean over the forums, each of which is a mean over queries.
"""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from hybridret.evaluation.tables import METRIC_COLUMNS, Evaluation


def average(name: str, members: Sequence[Evaluation]) -> Evaluation:
    """The metrics of set `name`: the mean over `members` of every value that all of them have, and the sum of their
    queries. It has no rows per query: those of its members stand beside it.
    """
    rows = pd.concat([member.metrics for member in members], ignore_index=True)
    keys = [key for key in METRIC_COLUMNS if key not in ("dataset", "value", "num_queries")]
    grouped = rows.groupby(keys, dropna=False, sort=False)
    mean = grouped.agg(value=("value", "mean"), num_queries=("num_queries", "sum"), members=("value", "size"))
    whole = mean[mean["members"] == len(members)].reset_index().assign(dataset=name)
    table = whole[list(METRIC_COLUMNS)].astype({"cutoff": "Int64", "value": float, "num_queries": int})
    return Evaluation(table, members[0].queries.iloc[:0])
