"""MRR@10, recall@10 and contrastive entropy, monolingual and cross-lingual, of vectors that a training hands in at each
validation.

Ranks, ties, averages, and the temperature and sample of the entropy are those of the evaluation. Questions, candidates
and sample are fixed, so values of different batch sizes compare, which losses over a batch do not. Language bias, which
takes longer, is left out.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from hybridret.base.progress import Progress, Quiet
from hybridret.base.records import Collection, FloatArray, Hits, IntArray
from hybridret.base.settings import EvaluationSettings, Setting
from hybridret.evaluation.full_ranking import measure
from hybridret.evaluation.judgments import Judgments
from hybridret.evaluation.metric_columns import macro_average, metric_columns
from hybridret.metrics import entropy, recall, reciprocal_rank
from hybridret.metrics.metric import CROSS_LINGUAL, MONOLINGUAL
from hybridret.retrieval.dense import DenseIndex

CUTOFF = 10
SHORT: Mapping[Setting, str] = {MONOLINGUAL: "mono", CROSS_LINGUAL: "cross"}
NAMES = {reciprocal_rank.METRIC: "mrr", recall.METRIC: "recall", entropy.METRIC: "entropy"}
ENTROPY_SEED = 0  # as an evaluation draws it, for every run


@dataclass(frozen=True)
class RetrievalProbe:
    """Collections that are ranked in full. A value is the mean over those that have it, of macro averages over
    languages or ordered pairs of them. `settings` are those of the evaluation.
    """

    collections: tuple[Collection, ...]
    settings: EvaluationSettings

    @cached_property
    def _judgments(self) -> list[tuple[Judgments, list[Setting]]]:
        """The judgments of each collection, and the settings that have any."""
        return [(judgments, _settings_of(judgments)) for judgments in map(Judgments, self.collections)]

    @property
    def names(self) -> Sequence[str]:
        """`mono_mrr`, `mono_recall`, `mono_entropy` and the same of `cross`, those that the judgments allow."""
        used = {setting for _, settings in self._judgments for setting in settings}
        return [f"{short}_{name}" for setting, short in SHORT.items() if setting in used for name in NAMES.values()]

    def measure(self, encoded: Sequence[tuple[FloatArray, FloatArray]]) -> Mapping[str, float]:
        """A value for each of `names`, from vectors of queries [Q, D] and passages [P, D] of each collection.

        Raises UserError for a score that is not finite.
        """
        found: dict[str, list[float]] = {name: [] for name in self.names}
        for (judgments, used), vectors in zip(self._judgments, encoded, strict=True):
            if not used:
                continue
            measured = measure(_Given(*vectors), judgments, self.settings, used, ENTROPY_SEED, Quiet())
            for setting in used:
                mask = judgments.of_setting(setting)
                for column in metric_columns(setting, mask, judgments, measured, [CUTOFF], list(NAMES)):
                    average = macro_average(column, judgments.collection)
                    found[f"{SHORT[setting]}_{NAMES[column.metric]}"].append(average)
        return {name: float(np.mean(values)) for name, values in found.items()}


def _settings_of(judgments: Judgments) -> list[Setting]:
    made_for = judgments.collection.settings or tuple(SHORT)
    return [setting for setting in SHORT if setting in made_for and judgments.of_setting(setting).any()]


@dataclass(frozen=True)
class _Given:
    """A retriever of vectors that are there."""

    queries: FloatArray
    passages: FloatArray
    cosine: bool = True

    def index(self, collection: Collection, passages: IntArray, progress: Progress) -> DenseIndex:
        return DenseIndex(self.queries, self.passages[passages])

    def search(
        self, collection: Collection, queries: IntArray, first: int, last: int, depth: int, progress: Progress
    ) -> Hits:
        raise NotImplementedError("a probe ranks in full")

    def notes(self) -> Mapping[str, str]:
        return {}

    def about(self, collection: Collection) -> Mapping[str, str]:
        return {}
