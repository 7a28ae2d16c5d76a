"""Search the smallest changes that flip questions of a finished run: lost ones to found, and kept ones to lost."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd

from hybridret.analysis.pitfalls.flips import Flip, Positions, Search, smallest_flip
from hybridret.analysis.pitfalls.lost import LostQuestions, lost_questions
from hybridret.analysis.pitfalls.names import names_in, tells_names
from hybridret.analysis.question_values import COLUMNS, question_values
from hybridret.base.errors import UserError
from hybridret.base.progress import Progress, Quiet
from hybridret.base.records import Collection, IntArray
from hybridret.components.question_texts import collection_of, run_components
from hybridret.config.trust import REMOTE_CODE
from hybridret.encoders.backbone import EncoderFamily
from hybridret.metrics.hits import NOT_FOUND
from hybridret.metrics.ranks import full_ranks
from hybridret.retrieval.protocols import Retriever
from hybridret.runs import RunDirectory
from hybridret.runs.query_values import read_queries

LOST, KEPT = "lost", "kept"
METRICS = ("mrr", "recall")


def flip_questions(
    path: Path,
    dataset: str,
    questions: int,
    seed: int,
    progress: Progress,
    search: Search | None = None,
    trust: Sequence[str] = (),
) -> pd.DataFrame:
    """One row for each of `questions` lost and as many kept cells (a question in a language pair, one of each
    question), drawn by `seed`: run, dataset, kind, question, query_language, corpus_language, text, before, flipped,
    edits, number (of them), after, scored, spent. Positions of what is no hit are empty, as are columns of no flip.

    Raises UserError where the run or its data are gone, or it has no values of both settings.
    """
    components = run_components(path, trust)
    run = RunDirectory(path)
    collection = collection_of(components, dataset, path)
    lost, cutoff = _lost(run, dataset)
    encoder = None
    if isinstance(components.backbone, EncoderFamily):
        encoder = components.load(run, REMOTE_CODE in trust) if run.best_checkpoint.is_dir() else components.encoder()
        encoder = encoder.to(components.device)
    retriever = components.retriever(encoder)
    search = replace(search or Search(), cutoff=cutoff)
    texts = {
        (str(question), collection.languages[language]): (row, collection.queries[row])
        for row, (question, language) in enumerate(
            zip(collection.questions.tolist(), collection.query_languages.tolist(), strict=True)
        )
    }
    rows = []
    chosen = [
        (kind, *cell)
        for kind, marks in ((LOST, lost.is_lost), (KEPT, lost.found & ~lost.is_lost))
        for cell in drawn_cells(lost, marks, questions, seed)
    ]
    if not chosen:
        raise UserError(f"{path} finds no question of {dataset!r} in its own language, so none can be lost.")
    part: tuple[str, Collection] | None = None
    # Passages of one language after the other: their vectors are kept while they are the same.
    with progress.task("search flips", len(chosen)) as advance:
        for kind, question, query, passage in sorted(chosen, key=lambda one: (one[3], one)):
            if (question, query) not in texts:
                raise UserError(
                    f"{dataset} has no question {question} in {query!r} any more: the test set is not the one that "
                    f"{path} was evaluated on. Restore it, or evaluate the run again."
                )
            row, text = texts[question, query]
            other = texts.get((question, passage), (0, ""))[1]
            names = names_in(other) if tells_names(query) and tells_names(passage) else ()
            if part is None or passage != part[0]:
                part = (passage, of_language(collection, passage))
            found = smallest_flip(text, names, passage_positions(retriever, part[1], row), search)
            rows.append(_row(path.name, dataset, kind, (question, query, passage), text, found))
            advance()
    whole = dict.fromkeys(("before", "number", "after"), "Int64")
    return (
        pd.DataFrame(rows)
        .astype(whole)
        .sort_values(["kind", "question"], ascending=[False, True], kind="stable", ignore_index=True)
    )


def drawn_cells(lost: LostQuestions, marks: np.ndarray, count: int, seed: int) -> list[tuple[str, str, str]]:
    """Up to `count` of the cells in `marks` [questions, pairs], in random order, each question at most once."""
    cells = np.argwhere(marks)
    found: dict[str, tuple[str, str, str]] = {}
    for i, j in cells[np.random.default_rng(seed).permutation(len(cells))].tolist():
        found.setdefault(lost.questions[i], (lost.questions[i], *lost.pairs[j]))
        if len(found) == count:
            break
    return list(found.values())


def of_language(collection: Collection, language: str) -> Collection:
    """The part of `collection` with the passages of `language`, and their judgments renumbered."""
    passages = np.flatnonzero(collection.passage_languages == collection.languages.index(language))
    number = np.full(len(collection.passage_languages), -1, dtype=np.int64)
    number[passages] = np.arange(len(passages))
    kept = number[collection.relevant_passages] >= 0
    contexts = collection.contexts
    return replace(
        collection,
        passage_ids=[collection.passage_ids[i] for i in passages.tolist()],
        passages=[collection.passages[i] for i in passages.tolist()],
        passage_languages=collection.passage_languages[passages],
        contexts=None if contexts is None else [contexts[i] for i in passages.tolist()],
        relevant_queries=collection.relevant_queries[kept],
        relevant_passages=number[collection.relevant_passages[kept]],
        grades=collection.grades[kept],
        fingerprint="",
    )


def passage_positions(retriever: Retriever, collection: Collection, query: int) -> Positions:
    """Ranks texts, in the language of the query number `query`, among the passages of `collection`: the best rank of
    its relevant ones, in the order of the evaluation; NOT_FOUND where none is a hit."""
    columns = collection.relevant_passages[collection.relevant_queries == query]
    ties, every, none = collection.tie_order, np.arange(len(collection.passages)), np.zeros(0, dtype=np.int64)

    def positions(texts: Sequence[str]) -> IntArray:
        asked = replace(
            collection,
            query_ids=[str(i) for i in range(len(texts))],
            queries=list(texts),
            query_languages=np.full(len(texts), collection.query_languages[query]),
            questions=np.zeros(len(texts), dtype=np.int64),
            relevant_queries=none,
            relevant_passages=none,
            grades=none,
        )
        scores = retriever.index(asked, every, Quiet()).scores(np.arange(len(texts)))
        rows = np.repeat(np.arange(len(texts)), len(columns))
        best: IntArray = (
            full_ranks(scores, rows, np.tile(columns, len(texts)), ties).reshape(len(texts), -1).min(axis=1)
        )
        return best

    return positions


def _lost(run: RunDirectory, dataset: str) -> tuple[LostQuestions, int]:
    table = read_queries(run.path / "queries.parquet", COLUMNS, [[("dataset", "==", dataset)]])
    runs = pd.DataFrame({"run": [run.path.name], "configuration": [run.path.name], "seed": [0]})
    values = {(one.metric, one.setting): one for one in question_values(runs, [(run.path.name, table)])}
    for metric in METRICS:
        own, other = (values.get((metric, setting)) for setting in ("monolingual", "cross-lingual"))
        if own is not None and other is not None and own.cutoff == other.cutoff:
            return lost_questions(own, other)[run.path.name], own.cutoff
    raise UserError(
        f"{run.path} has no monolingual and cross-lingual values of {dataset!r}, so none of its questions is lost "
        f"between languages. Choose another --dataset."
    )


def _row(run: str, dataset: str, kind: str, cell: tuple[str, str, str], text: str, found: Flip) -> dict[str, object]:
    shown = [f"{one.kind} {one.before!r}" + (f" -> {one.after!r}" if one.after else "") for one in found.edits]
    return {
        "run": run,
        "dataset": dataset,
        "kind": kind,
        **dict(zip(("question", "query_language", "corpus_language"), cell, strict=True)),
        "text": text,
        "before": _shown(found.before),
        "flipped": found.text,
        "edits": "; ".join(shown),
        "number": len(found.edits) or None,
        "after": _shown(found.after),
        "scored": found.scored,
        "spent": found.spent,
    }


def _shown(position: int | None) -> int | None:
    return None if position == NOT_FOUND else position
