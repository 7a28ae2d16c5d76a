"""Values of single queries from a TREC run and judgments, by the project's own metrics.

As trec_eval: scores are compared as fp32, equal ones stand by passage id descending, the column of ranks does not
count, and a passage that nobody judged is not relevant. Other than trec_eval without `-c`: a query with a relevant
passage and no hit counts as 0, so that all runs answer the same queries (docs/analysis/foreign.md).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import pandas as pd

from hybridret.base.errors import UserError
from hybridret.base.records import IntArray
from hybridret.data.qrels import Qrels
from hybridret.data.trec_hits import TrecHits
from hybridret.metrics.hits import NOT_FOUND
from hybridret.metrics.metric import CutMetric, WholeMetric
from hybridret.metrics.ranks import RankedRelevant, Values
from hybridret.metrics.registry import known_metrics

CUTOFFS = (1, 10, 100)
QUERY_VALUES = ("query_id", "metric", "cutoff", "value")


def query_values(hits: TrecHits, judgments: Qrels, cutoffs: Sequence[int] = CUTOFFS) -> pd.DataFrame:
    """One row for each judged query, metric and cutoff, with the columns `QUERY_VALUES`.

    Metrics are all those of `hybridret.metrics` that follow from the hits of single queries. Cutoff 0: all hits of the
    file. A query whose judgments are all 0 or below has no value.
    Raises UserError where the two files have no query in common, or no hit of the file is relevant.
    """
    relevant, queries = _relevant(hits, judgments)
    ids = pd.Categorical.from_codes(np.arange(len(queries)), categories=pd.Index(queries))
    parts = [
        pd.DataFrame({"query_id": ids, "metric": metric, "cutoff": cutoff, "value": values})
        for metric, cutoff, values in _measured(relevant, cutoffs)
    ]
    return pd.concat(parts, ignore_index=True)


def depth(hits: TrecHits) -> int:
    """The largest number of hits of a query."""
    return int(np.bincount(hits.query).max())


def unjudged(hits: TrecHits, judgments: Qrels) -> int:
    """How many queries of the run have no relevant passage among the judgments, and so no value."""
    return len(set(hits.queries.texts()) - _judged(judgments))


def unanswered(hits: TrecHits, judgments: Qrels) -> int:
    """How many queries have a relevant passage among the judgments and no hit in the run, and so the value 0."""
    return len(_judged(judgments) - set(hits.queries.texts()))


def _judged(judgments: Qrels) -> set[str]:
    return {query for query, grade in zip(judgments.query_ids, judgments.grades, strict=True) if grade > 0}


def _measured(relevant: RankedRelevant, cutoffs: Sequence[int]) -> Iterator[tuple[str, int, Values]]:
    for metric in known_metrics():
        if isinstance(metric, WholeMetric) and not metric.full:
            yield metric.name, 0, metric.values(relevant, None)
        elif isinstance(metric, CutMetric):
            for cutoff in cutoffs:
                yield metric.name, cutoff, metric.values(relevant, cutoff)


def _relevant(hits: TrecHits, judgments: Qrels) -> tuple[RankedRelevant, list[str]]:
    """The relevant passages with their ranks, and the id of each query [n]."""
    positive = np.flatnonzero(judgments.grades > 0)
    if not len(positive):
        raise UserError("The judgments hold no grade above 0, so nothing is relevant. Check the order of the columns.")
    asked = [judgments.query_ids[i] for i in positive.tolist()]
    queries = list(dict.fromkeys(asked))
    _check_common(hits, queries)
    row = {identifier: number for number, identifier in enumerate(queries)}
    known_query = {identifier: number for number, identifier in enumerate(hits.queries.texts())}
    known_passage = {identifier: number for number, identifier in enumerate(hits.passages.texts())}
    wanted = _keys(
        [known_query.get(identifier, -1) for identifier in asked],
        [known_passage.get(judgments.passage_ids[i], -1) for i in positive.tolist()],
        len(known_passage),
    )
    found = _positions(hits, wanted)
    if (found == NOT_FOUND).all():
        example = judgments.passage_ids[int(positive[0])]
        raise UserError(
            f"{hits.path}: no query has a hit that its judgments call relevant, so every value would be 0. Passage ids "
            f"are texts and must be equal letter by letter: the run has {hits.passages.texts()[0]!r}, the judgments "
            f"{example!r}. Write both the same way."
        )
    rows = np.array([row[identifier] for identifier in asked], dtype=np.int64)
    return RankedRelevant.gather(rows, found, judgments.grades[positive]), queries


def _positions(hits: TrecHits, wanted: IntArray) -> IntArray:
    """[r]: where each wanted pair stands among the hits of its query, 1 the first; `NOT_FOUND` where it does not."""
    order = hits.order()
    query = hits.query[order]
    within = np.arange(1, len(order) + 1) - np.searchsorted(query, query)
    keys = _keys(query, hits.passage[order], len(hits.passages))
    by_key = np.argsort(keys)
    at = np.minimum(np.searchsorted(keys, wanted, sorter=by_key), len(keys) - 1)
    line = by_key[at]
    return np.where(keys[line] == wanted, within[line], NOT_FOUND)


def _keys(query: Sequence[int] | IntArray, passage: Sequence[int] | IntArray, passages: int) -> IntArray:
    """One number for each pair, -1 where either is unknown (-1)."""
    first, second = np.asarray(query, dtype=np.int64), np.asarray(passage, dtype=np.int64)
    return np.where((first < 0) | (second < 0), -1, first * passages + second)


def _check_common(hits: TrecHits, judged: list[str]) -> None:
    own = hits.queries.texts()
    if not set(own).isdisjoint(judged):
        return
    alike = {_number(identifier) for identifier in own} & {_number(identifier) for identifier in judged} - {None}
    hint = " As numbers some are equal, but ids are texts: 001 is not 1." if alike else ""
    raise UserError(
        f"{hits.path} and the judgments have no query in common: the run's first is {own[0]!r}, that of the judgments "
        f"{judged[0]!r}.{hint} Write the ids of both files the same way."
    )


def _number(identifier: str) -> int | None:
    try:
        return int(identifier)
    except ValueError:
        return None
