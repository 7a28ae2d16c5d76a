"""Evaluate a retriever on a collection in the three settings of the paper (arXiv 2408.10536).

Monolingual: queries of X against the corpus of X. Cross-lingual: X against Y for all ordered pairs X != Y.
Multilingual: X against the pool of all languages, every parallel answer relevant, if passages are in several languages.
The macro average is the mean over queries, then over languages or pairs. A corpus without a relevant passage of a query
leaves this query out. A relevant passage that the whole collection lacks counts in R and is never found, as in
trec_eval.

If a pool is larger than `evaluation.full_ranks`, ranks come from the best `evaluation.depth` hits (`topk_ranking.py`):
mAP is then cut at this depth (its cutoff in the tables), and metrics of the whole ranking are left out.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from hybridret.base.errors import UserError
from hybridret.base.progress import Progress
from hybridret.base.records import Collection
from hybridret.base.settings import EvaluationSettings
from hybridret.evaluation.check import check_settings
from hybridret.evaluation.full_ranking import measure
from hybridret.evaluation.judgments import Judgments, largest_pool
from hybridret.evaluation.metric_columns import LanguagePairs, MetricColumn, metric_columns
from hybridret.evaluation.tables import MACRO, METRIC_COLUMNS, Evaluation
from hybridret.evaluation.topk_ranking import measure_searched
from hybridret.metrics.metric import MULTILINGUAL, SETTINGS
from hybridret.retrieval.protocols import Retriever


def evaluate(
    retriever: Retriever, collection: Collection, settings: EvaluationSettings, seed: int, progress: Progress
) -> Evaluation:
    """Metrics per language, per pair, macro and per query.

    `seed` draws the sample of contrastive entropy. It is not the training seed: entropies of runs can be compared only
    if all of them use the same one. Raises UserError for settings that `check_settings` rejects, a score that is not
    finite, or if no query of the collection can be used.
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
        for column in metric_columns(setting, mask, judgments, measured, list(dict.fromkeys(settings.cutoffs)))
    ]
    return Evaluation(_metrics_table(collection, columns), _queries_table(collection, columns))


def chosen_settings(collection: Collection, settings: EvaluationSettings) -> list[str]:
    """The requested settings that the collection is made for.

    If all passages are in one language, the pool of all languages equals the corpus of that language: it is measured
    once, as the other two settings instead of the multilingual one.
    """
    made_for = collection.settings
    chosen: list[str] = [one for one in dict.fromkeys(settings.settings) if made_for is None or one in made_for]
    if MULTILINGUAL not in chosen or np.count_nonzero(np.bincount(collection.passage_languages)) > 1:
        return chosen
    return [one for one in SETTINGS if one != MULTILINGUAL]


def is_searched(collection: Collection, settings: EvaluationSettings) -> bool:
    """Whether a pool is too large for full ranks. All pools of a collection are then searched, so that a macro average
    never mixes values of full ranks and of a search."""
    return largest_pool(collection, chosen_settings(collection, settings)) > settings.full_ranks


def _metrics_table(collection: Collection, columns: list[MetricColumn]) -> pd.DataFrame:
    rows: list[tuple[object, ...]] = []
    for column in columns:
        pairs = LanguagePairs.of(column, collection)
        summaries = {column.metric.name: pairs.means(column.values)}
        for one in column.metric.summaries:
            of_pairs = [column.values[pairs.pair_of == pair] for pair in range(len(pairs.codes))]
            summaries[one.name] = np.array([one.of(values, len(collection.passage_ids)) for values in of_pairs])
        for metric, values in summaries.items():
            key = (metric, column.cutoff or None)
            for pair, value, size in zip(pairs.codes.tolist(), values.tolist(), pairs.sizes.tolist(), strict=True):
                asked, corpus = divmod(pair, len(collection.languages) + 1)
                corpus_name = collection.languages[corpus - 1] if corpus else "all"
                rows.append(
                    (collection.name, column.setting, collection.languages[asked], corpus_name, *key, value, size)
                )
            distinct = len(np.unique(column.queries))
            rows.append((collection.name, column.setting, MACRO, MACRO, *key, float(values.mean()), distinct))
    table = pd.DataFrame(rows, columns=list(METRIC_COLUMNS))
    return table.astype({"cutoff": "Int64", "value": float, "num_queries": int})


def _queries_table(collection: Collection, columns: list[MetricColumn]) -> pd.DataFrame:
    """Built from integer codes instead of strings: a table of millions of rows takes a second."""
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
            "metric": named([column.metric.name for column in columns]),
            "cutoff": np.repeat(np.array([column.cutoff for column in columns], dtype=np.int32), sizes),
            "query_id": pd.Categorical.from_codes(queries, pd.Index(collection.query_ids)),
            "question": collection.questions[queries],
            "value": np.concatenate([column.values for column in columns]),
        }
    )
