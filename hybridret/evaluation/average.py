"""Values of a test set that consists of several collections, each with its own corpus: the mean over the collections.

BEIR's cqadupstack consists of twelve subforums; its value is the mean over the forums of a mean over queries.
"""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from hybridret.evaluation.tables import METRIC_COLUMNS, Evaluation


def average(name: str, members: Sequence[Evaluation]) -> Evaluation:
    """The metrics of set `name`: the mean over `members` of every value that all of them have, and the sum of their
    queries. It has no rows per query; the members have them.
    """
    rows = pd.concat([member.metrics for member in members], ignore_index=True)
    keys = [key for key in METRIC_COLUMNS if key not in ("dataset", "value", "num_queries")]
    grouped = rows.groupby(keys, dropna=False, sort=False)
    mean = grouped.agg(value=("value", "mean"), num_queries=("num_queries", "sum"), members=("value", "size"))
    whole = mean[mean["members"] == len(members)].reset_index().assign(dataset=name)
    table = whole[list(METRIC_COLUMNS)].astype({"cutoff": "Int64", "value": float, "num_queries": int})
    return Evaluation(table, members[0].queries.iloc[:0])
