"""Run all benchmarks of a config through one retriever."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from hybridret.data.benchmarks import Benchmark
from hybridret.data.source import PairSource
from hybridret.errors import UserError
from hybridret.evaluation.evaluate import evaluate
from hybridret.evaluation.tables import Evaluation
from hybridret.progress import Progress
from hybridret.records import Collection
from hybridret.retrieval.protocols import Retriever
from hybridret.settings import EvaluationSettings

ENTROPY_SEED = 0  # the same sample of passages for every run, whatever its own seed


@dataclass(frozen=True)
class Scores:
    """The joined evaluation of all collections, and what each collection says of itself."""

    evaluation: Evaluation
    notes: dict[str, dict[str, str]]
    collections: tuple[Collection, ...]


def score(
    retriever: Retriever,
    benchmarks: Mapping[str, Benchmark],
    source: PairSource | None,
    settings: EvaluationSettings,
    progress: Progress,
) -> Scores:
    """Evaluate `retriever` on every collection of every benchmark. Raises UserError where there is none."""
    collections = tuple(one for benchmark in benchmarks.values() for one in benchmark.collections(source))
    names = [collection.name for collection in collections]
    if twice := {name for name in names if names.count(name) > 1}:
        raise UserError(
            f"eval: two benchmarks are called {', '.join(sorted(twice))}; their rows could not be told apart."
        )
    parts = [evaluate(retriever, collection, settings, ENTROPY_SEED, progress) for collection in collections]
    notes = {one.name: dict(one.notes) for one in collections if one.notes}
    return Scores(Evaluation.join(parts), notes, collections)
