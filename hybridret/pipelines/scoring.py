"""Run all benchmarks of a config through one retriever."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from hybridret.base.progress import Progress, Quiet
from hybridret.base.records import Collection
from hybridret.base.settings import EvaluationSettings
from hybridret.evaluation.average import average
from hybridret.evaluation.evaluate import evaluate, is_searched
from hybridret.evaluation.tables import Evaluation
from hybridret.export.trec import unwritable
from hybridret.pipelines.trec_export import write_trec
from hybridret.retrieval.protocols import Retriever

ENTROPY_SEED = 0  # the same sample of passages for every run, whatever its own seed


@dataclass(frozen=True)
class Scores:
    """The joined evaluation of all collections, and the notes of each collection."""

    evaluation: Evaluation
    notes: dict[str, dict[str, str]]
    collections: tuple[Collection, ...]


def score(
    retriever: Retriever,
    collections: Sequence[Collection],
    settings: EvaluationSettings,
    progress: Progress,
    trec: Path | None = None,
) -> Scores:
    """Evaluate `retriever` on every collection; `trec`: a folder for TREC files. A failed export becomes a note."""
    parts: list[Evaluation] = []
    notes: dict[str, dict[str, str]] = {}
    left_out = _left_out(collections) if trec is not None else {}
    for collection in collections:
        own = same_ranking_mode(collection, collections, settings)
        parts.append(evaluate(retriever, collection, own, ENTROPY_SEED, progress))
        notes[collection.name] = {**collection.notes, **retriever.about(collection)}
        if is_searched(collection, own):
            notes[collection.name] |= {"ranks": f"from the best {settings.depth} passages", **retriever.notes()}
        if trec is not None:
            fault = left_out.get(collection.name) or write_trec(retriever, collection, settings, trec, progress)
            if fault:
                notes[collection.name]["trec"] = f"not written: {fault}"
            elif not is_searched(collection, own) and is_searched(collection, replace(own, full_ranks=settings.depth)):
                notes[collection.name]["trec"] = (
                    f"the run files hold the best {settings.depth} passages, and trec_eval's map of them is cut there; "
                    "map here is over all (evaluation.depth)"
                )
    groups = {
        one.group: [p for p, other in zip(parts, collections, strict=True) if other.group == one.group]
        for one in collections
        if one.group
    }
    parts += [average(name, members) for name, members in groups.items()]
    return Scores(Evaluation.join(parts), {name: found for name, found in notes.items() if found}, tuple(collections))


def follow(retriever: Retriever, collections: Sequence[Collection], settings: EvaluationSettings, trec: bool) -> None:
    """The part of a further process: it encodes and searches its share of the large pools; the first does the rest.

    It makes every search of `score`, in the same order; otherwise the processes would wait for each other for ever.
    """
    for collection in collections:
        own = same_ranking_mode(collection, collections, settings)
        if is_searched(collection, own):
            evaluate(retriever, collection, own, ENTROPY_SEED, Quiet())
        if trec and unwritable(collection) is None:
            write_trec(retriever, collection, settings, None, Quiet())


def _left_out(collections: Sequence[Collection]) -> dict[str, str]:
    """Collections whose rankings cannot be TREC files, and why: reported before the work, not after it."""
    found = {one.name: fault for one in collections if (fault := unwritable(one)) is not None}
    for name, fault in found.items():
        print(f"{name}: no TREC files will be written: {fault}.", file=sys.stderr)
    return found


def same_ranking_mode(
    collection: Collection, collections: Sequence[Collection], settings: EvaluationSettings
) -> EvaluationSettings:
    """`settings` such that all collections of one group are ranked alike: full and cut values must not be averaged."""
    group = [one for one in collections if one.group and one.group == collection.group]
    return replace(settings, full_ranks=0) if any(is_searched(one, settings) for one in group) else settings
