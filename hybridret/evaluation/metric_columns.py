"""From the measured ranks of judgments to the values of each metric, one per query and corpus.

The metrics and their settings are defined in `hybridret.metrics`. This module knows only two metrics by name: those
whose values are computed during ranking (contrastive entropy and AWRF).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from hybridret.base.records import BoolArray, Collection, IntArray
from hybridret.evaluation.judgment_ranks import Measured
from hybridret.evaluation.judgments import Judgments
from hybridret.metrics import awrf, entropy
from hybridret.metrics.metric import MULTILINGUAL, CutMetric, LanguageMetric, Metric, RankedLanguages, WholeMetric
from hybridret.metrics.ranks import RankedRelevant, Values
from hybridret.metrics.registry import known_metrics


@dataclass(frozen=True)
class MetricColumn:
    """One metric of one setting: values [n] of queries [n] in corpora [n] (-1: all languages); cutoff 0: none."""

    setting: str
    metric: Metric
    cutoff: int
    queries: IntArray
    corpora: IntArray
    values: Values


def metric_columns(
    setting: str,
    mask: BoolArray,
    judgments: Judgments,
    measured: Measured,
    cutoffs: Sequence[int],
    metrics: Sequence[Metric] | None = None,
) -> Iterator[MetricColumn]:
    """The columns of every metric that is measured in `setting`, in the order of the metrics. `mask` [R] are the
    judgments of the setting (at least one). A metric without any value is left out. `metrics`: only these."""
    ranked = _RankedSetting(setting, mask, judgments, measured)
    for metric in known_metrics() if metrics is None else metrics:
        if setting in metric.settings and (measured.depth is None or not metric.full):
            yield from (column for column in ranked.columns(metric, cutoffs) if len(column.values))


@dataclass(frozen=True)
class LanguagePairs:
    """The pairs of query and corpus language of a column: `codes` [p] (language * (L + 1) + corpus + 1), the pair of
    each value [n] and the number of values of each pair [p]."""

    codes: IntArray
    pair_of: IntArray
    sizes: IntArray

    @classmethod
    def of(cls, column: MetricColumn, collection: Collection) -> LanguagePairs:
        spoken = collection.query_languages[column.queries]
        codes = spoken * (len(collection.languages) + 1) + column.corpora + 1
        return cls(*np.unique(codes, return_inverse=True, return_counts=True))

    def means(self, values: Values) -> Values:
        """[p]: the mean of the `values` [n] of each pair."""
        means: Values = np.bincount(self.pair_of, weights=values) / self.sizes
        return means


def macro_average(column: MetricColumn, collection: Collection) -> float:
    """The mean over queries, then over languages or pairs of them."""
    return float(LanguagePairs.of(column, collection).means(column.values).mean())


class _RankedSetting:
    """The judgments of one setting with their ranks; what several metrics need is computed once."""

    def __init__(self, setting: str, mask: BoolArray, judgments: Judgments, measured: Measured) -> None:
        self._setting, self._mask, self._judgments, self._measured = setting, mask, judgments, measured
        pooled = setting == MULTILINGUAL
        self._ranks = (measured.pool_ranks if pooled else measured.own_ranks)[mask]
        self._entropy = (measured.pool_entropy if pooled else measured.own_entropy)[mask]
        # A label for each query in each corpus: its relevant passages there are ranked together.
        languages = len(judgments.collection.languages)
        queries = judgments.queries[mask]
        self._labels = queries if pooled else queries * languages + judgments.passage_languages[mask]
        self._relevant = RankedRelevant.gather(self._labels, self._ranks, judgments.grades[mask])
        labels = self._relevant.labels
        self._asked = labels if pooled else labels // languages
        self._corpora = np.full(len(labels), -1) if pooled else labels % languages

    def columns(self, metric: Metric, cutoffs: Sequence[int]) -> Iterator[MetricColumn]:
        depth = self._measured.depth
        if isinstance(metric, CutMetric):
            for cutoff in cutoffs:
                yield self._column(metric, cutoff, metric.values(self._relevant, cutoff))
        elif isinstance(metric, WholeMetric):
            yield self._column(metric, depth or 0, metric.values(self._relevant, depth))
        elif isinstance(metric, LanguageMetric):
            yield self._pooled(metric, *metric.values(self._languages))
        elif metric.name == entropy.METRIC.name:
            yield from self._entropies(metric)
        elif metric.name == awrf.METRIC.name:
            asked = self._asked[(self._judgments.relevant_languages[self._asked] > 0).sum(axis=1) > 1]
            yield self._pooled(metric, asked, self._measured.awrf[asked])  # a bias needs answers in two languages
        else:
            raise LookupError(f"{metric.name}: its values come from no ranking of hybridret.evaluation.")

    def _column(self, metric: Metric, cutoff: int, values: Values) -> MetricColumn:
        return MetricColumn(self._setting, metric, cutoff, self._asked, self._corpora, values)

    def _pooled(self, metric: Metric, asked: IntArray, values: Values) -> MetricColumn:
        return MetricColumn(self._setting, metric, 0, asked, np.full(len(asked), -1), values)

    @cached_property
    def _languages(self) -> RankedLanguages:
        judgments, mask = self._judgments, self._mask
        # BEIR's rule removes the passage with the id of the query from the ranking: it has no valid rank.
        ranked = (judgments.present & ~judgments.dropped)[mask]
        return RankedLanguages(
            judgments.queries[mask][ranked],
            self._ranks[ranked],
            judgments.grades[mask][ranked],
            judgments.passage_languages[mask][ranked],
            len(judgments.collection.passage_ids),
        )

    def _entropies(self, metric: Metric) -> Iterator[MetricColumn]:
        present = self._judgments.present[self._mask]
        if not present.any() or np.isnan(self._entropy[present]).any():  # not measured: the scores are no cosines
            return
        slot = np.searchsorted(self._relevant.labels, self._labels[present])
        counts = np.bincount(slot, minlength=len(self._relevant))
        some = counts > 0  # without a relevant passage in the corpus a query has no positive
        total = np.bincount(slot, weights=self._entropy[present], minlength=len(self._relevant))
        yield MetricColumn(self._setting, metric, 0, self._asked[some], self._corpora[some], total[some] / counts[some])
