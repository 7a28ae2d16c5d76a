"""Evaluate a retriever on a collection in the three settings of the paper (arXiv 2408.10536).

Monolingual: queries of X against the corpus of X. Cross-lingual: X against Y for all ordered pairs X != Y.
Multilingual: X against the pool of all languages, every parallel answer relevant, where passages are in several. The
macro average is the mean over queries, then over languages or pairs. A query whose relevant passages are all in other
corpora is left out of one; a relevant passage that the whole collection lacks counts in R and is never found, as in
trec_eval.

Where a pool is larger than `evaluation.full_ranks`, ranks come from the best `evaluation.depth` hits
(`topk_ranking.py`): mAP is then cut there and says so, and measures of the whole ranking are left out.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd

from hybridret.base.errors import UserError
from hybridret.base.progress import Progress
from hybridret.base.records import BoolArray, Collection, IntArray
from hybridret.base.settings import EvaluationSettings
from hybridret.evaluation.check import check_settings
from hybridret.evaluation.full_ranking import measure
from hybridret.evaluation.judgment_ranks import Measured
from hybridret.evaluation.judgments import MULTILINGUAL, SETTINGS, Judgments, largest_pool
from hybridret.evaluation.tables import MACRO, METRIC_COLUMNS, Evaluation
from hybridret.evaluation.topk_ranking import measure_searched
from hybridret.metrics.average_precision import average_precision
from hybridret.metrics.ndcg import ndcg
from hybridret.metrics.peer import peer
from hybridret.metrics.rank_distance import rank_distance
from hybridret.metrics.ranks import RankedRelevant, Values
from hybridret.metrics.recall import capped_recall, recall, success
from hybridret.metrics.reciprocal_rank import reciprocal_rank
from hybridret.retrieval.protocols import Retriever

CUT = {  # metrics that have cutoffs
    "mrr": reciprocal_rank,
    "ndcg": ndcg,
    "recall": recall,
    "capped_recall": capped_recall,
    "success": success,
}


@dataclass(frozen=True)
class _Column:
    """One metric of one setting: values [n] of queries [n] in corpora [n] (-1: all languages)."""

    setting: str
    metric: str
    cutoff: int
    queries: IntArray
    corpora: IntArray
    values: Values


def evaluate(
    retriever: Retriever, collection: Collection, settings: EvaluationSettings, seed: int, progress: Progress
) -> Evaluation:
    """Metrics per language, per pair, macro and per query.

    `seed` draws the sample of contrastive entropy: give every run the same one (it is not the training seed), or their
    entropies cannot be compared. Raises UserError for what `check_settings` finds, a score that is not finite, or if no
    query of the collection can be used.
    """
    check_settings(settings)
    judgments = Judgments(collection)
    used = {setting: judgments.of_setting(setting) for setting in chosen_settings(collection, settings)}
    if not any(mask.any() for mask in used.values()):
        raise UserError(
            f"{collection.name}: nothing to evaluate. None of its {len(collection.query_ids)} queries has a relevant "
            f"passage in the settings {', '.join(used) or '(none)'}; check the judgments and evaluation.settings."
        )
    how = measure_searched if is_searched(collection, settings) else measure
    measured = how(retriever, judgments, settings, list(used), seed, progress)
    columns = [
        column
        for setting, mask in used.items()
        if mask.any()
        for column in _columns(setting, mask, judgments, measured, list(dict.fromkeys(settings.cutoffs)))
    ]
    return Evaluation(_metrics_table(collection, columns), _queries_table(collection, columns))


def chosen_settings(collection: Collection, settings: EvaluationSettings) -> list[str]:
    """The settings that are asked for and that the collection is made for.

    Where all passages are in one language, the pool of all is the corpus of that language: it is measured once, under
    the names of the other settings.
    """
    made_for = collection.settings
    chosen = [one for one in dict.fromkeys(settings.settings) if made_for is None or one in made_for]
    if MULTILINGUAL not in chosen or np.count_nonzero(np.bincount(collection.passage_languages)) > 1:
        return chosen
    return [one for one in SETTINGS if one != MULTILINGUAL]


def is_searched(collection: Collection, settings: EvaluationSettings) -> bool:
    """Whether a pool is too large for full ranks; all pools of a collection are then searched, so that its macro
    averages are over numbers of one kind."""
    return largest_pool(collection, chosen_settings(collection, settings)) > settings.full_ranks


def _columns(
    setting: str, mask: BoolArray, judgments: Judgments, measured: Measured, cutoffs: list[int]
) -> Iterator[_Column]:
    pooled = setting == MULTILINGUAL
    languages = len(judgments.collection.languages)
    queries, grades = judgments.queries[mask], judgments.grades[mask]
    ranks = (measured.pool_ranks if pooled else measured.own_ranks)[mask]
    entropy = (measured.pool_entropy if pooled else measured.own_entropy)[mask]
    # A label for each query in each corpus: its relevant passages there are ranked together.
    labels = queries if pooled else queries * languages + judgments.passage_languages[mask]
    relevant = RankedRelevant.gather(labels, ranks, grades)
    asked = relevant.labels if pooled else relevant.labels // languages
    corpora = np.full(len(relevant), -1) if pooled else relevant.labels % languages

    def column(metric: str, values: Values, cutoff: int = 0) -> _Column:
        return _Column(setting, metric, cutoff, asked, corpora, values)

    yield column("map", average_precision(relevant, measured.depth), measured.depth or 0)
    for metric, function in CUT.items():
        for cutoff in cutoffs:
            yield column(metric, function(relevant, cutoff), cutoff)
    present = judgments.present[mask]
    if present.any() and not np.isnan(entropy[present]).any():
        slot = np.searchsorted(relevant.labels, labels[present])
        counts = np.bincount(slot, minlength=len(relevant))
        some = counts > 0  # a query whose relevant passages the corpus lacks has no positive
        values = np.bincount(slot, weights=entropy[present], minlength=len(relevant))[some] / counts[some]
        yield _Column(setting, "contrastive_entropy", 0, asked[some], corpora[some], values)
    if pooled and measured.depth is None:
        yield from _bias(setting, mask, judgments, ranks)
    if pooled:
        of_several = asked[(judgments.relevant_languages[asked] > 0).sum(axis=1) > 1]
        if len(of_several):  # a bias needs relevant passages in two languages
            yield _Column(setting, "awrf", 0, of_several, np.full(len(of_several), -1), measured.awrf[of_several])


def _bias(setting: str, mask: BoolArray, judgments: Judgments, ranks: IntArray) -> Iterator[_Column]:
    """What one full ranking of all languages [r] says of a preference for some of them."""
    # BEIR's rule takes the passage with the id of the query out of the ranking: its place says nothing of the ranker.
    ranked = (judgments.present & ~judgments.dropped)[mask]
    queries, grades, ranks = judgments.queries[mask][ranked], judgments.grades[mask][ranked], ranks[ranked]
    languages = judgments.passage_languages[mask][ranked]
    for metric, (tested, values) in (
        ("rank_distance", rank_distance(queries, ranks, languages, len(judgments.collection.passage_ids))),
        ("peer", peer(queries, ranks, grades, languages)),
    ):
        if len(tested):
            yield _Column(setting, metric, 0, tested, np.full(len(tested), -1), values)


def _metrics_table(collection: Collection, columns: list[_Column]) -> pd.DataFrame:
    rows: list[tuple[object, ...]] = []
    for column in columns:
        spoken = collection.query_languages[column.queries]
        pairs, pair_of, sizes = np.unique(
            spoken * (len(collection.languages) + 1) + column.corpora + 1, return_inverse=True, return_counts=True
        )
        summaries = {column.metric: np.bincount(pair_of, weights=column.values) / sizes}
        if column.metric == "rank_distance":
            medians = [np.median(column.values[pair_of == pair]) for pair in range(len(pairs))]
            summaries["rank_distance_median"] = np.array(medians)
            summaries["rank_distance_share"] = summaries["rank_distance"] / len(collection.passage_ids)
        for metric, values in summaries.items():
            key = (metric, column.cutoff or None)
            for pair, value, size in zip(pairs.tolist(), values.tolist(), sizes.tolist(), strict=True):
                asked, corpus = divmod(pair, len(collection.languages) + 1)
                corpus_name = collection.languages[corpus - 1] if corpus else "all"
                rows.append(
                    (collection.name, column.setting, collection.languages[asked], corpus_name, *key, value, size)
                )
            distinct = len(np.unique(column.queries))
            rows.append((collection.name, column.setting, MACRO, MACRO, *key, float(values.mean()), distinct))
    table = pd.DataFrame(rows, columns=list(METRIC_COLUMNS))
    return table.astype({"cutoff": "Int64", "value": float, "num_queries": int})


def _queries_table(collection: Collection, columns: list[_Column]) -> pd.DataFrame:
    """Built from integer codes: a table of millions of rows takes a second and no strings."""
    sizes = [len(column.queries) for column in columns]
    queries = np.concatenate([column.queries for column in columns])
    corpora = np.concatenate([column.corpora for column in columns])
    languages = pd.Index([*collection.languages, "all"])

    def named(names: list[str]) -> pd.Categorical[str]:
        unique = list(dict.fromkeys(names))
        return pd.Categorical.from_codes(np.repeat([unique.index(name) for name in names], sizes), pd.Index(unique))

    return pd.DataFrame(
        {
            "dataset": named([collection.name] * len(columns)),
            "setting": named([column.setting for column in columns]),
            "query_language": pd.Categorical.from_codes(collection.query_languages[queries], languages),
            "corpus_language": pd.Categorical.from_codes(np.where(corpora < 0, len(languages) - 1, corpora), languages),
            "metric": named([column.metric for column in columns]),
            "cutoff": np.repeat(np.array([column.cutoff for column in columns], dtype=np.int32), sizes),
            "query_id": pd.Categorical.from_codes(queries, pd.Index(collection.query_ids)),
            "question": collection.questions[queries],
            "value": np.concatenate([column.values for column in columns]),
        }
    )
