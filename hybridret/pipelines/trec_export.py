"""The rankings of an evaluation as TREC files, one run and one qrels per pool of passages."""

from __future__ import annotations

import dataclasses
from pathlib import Path

from hybridret.base.errors import UserError
from hybridret.base.files import file_name
from hybridret.base.progress import Progress
from hybridret.base.records import Collection, Unmet
from hybridret.base.settings import EvaluationSettings
from hybridret.evaluation.evaluate import chosen_settings
from hybridret.evaluation.judgments import Judgments
from hybridret.evaluation.topk_ranking import search_pool
from hybridret.export.trec import write_qrels, write_trec_run
from hybridret.retrieval.protocols import Retriever


def write_trec(
    retriever: Retriever,
    collection: Collection,
    settings: EvaluationSettings,
    folder: Path | None,
    progress: Progress,
) -> str | None:
    """Write the files; returns what could not be written and why, None if all was.

    Files are `NAME.LANGUAGE.run.gz` and `NAME.LANGUAGE.qrels` for the passages of each language that a setting needs,
    and `NAME.all.*` for the pool of all; a further process searches and writes nothing (`folder` None).

    Pools are searched to `settings.depth` also where the metrics come from full ranks. A file that cannot be written
    ends the writing, not the searches, which all processes make together: the metrics do not depend on it.
    Each pool has its own judgments: a passage without a judgment in one qrels file may be relevant in another.
    """
    judgments, failed = Judgments(collection), None
    for pool in judgments.pools(chosen_settings(collection, settings)):
        queries, hits = search_pool(retriever, judgments, pool, settings.depth, progress)
        if folder is None or failed:
            continue
        language = "all" if pool.language < 0 else collection.languages[pool.language]
        name = f"{file_name(collection.name)}.{language}"
        rows = pool.judgments
        unmet, positions = collection.unmet, judgments.passages[pool.unmet] - len(collection.passage_ids)
        judged = dataclasses.replace(
            collection,
            relevant_queries=judgments.queries[rows],
            relevant_passages=judgments.passages[rows],
            grades=judgments.grades[rows],
            unmet=Unmet(
                unmet.queries[positions],
                [unmet.passage_ids[position] for position in positions.tolist()],
                unmet.grades[positions],
                unmet.languages[positions],
            ),
        )
        try:
            write_trec_run(folder / f"{name}.run.gz", collection, queries, hits, tag="hybridret")
            write_qrels(folder / f"{name}.qrels", judged)
        except UserError as error:
            failed = str(error)
    return failed
