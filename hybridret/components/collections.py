"""The test collections of all benchmarks of a run."""

from __future__ import annotations

from collections.abc import Mapping

from hybridret.base.errors import UserError
from hybridret.base.progress import Progress
from hybridret.base.records import Collection
from hybridret.data.benchmarks import Benchmark
from hybridret.data.source import PairSource


def read_collections(
    benchmarks: Mapping[str, Benchmark], source: PairSource | None, progress: Progress
) -> tuple[Collection, ...]:
    """All collections of all benchmarks. Raises UserError if two share a name, and the errors of their readers."""
    collections: list[Collection] = []
    for name, benchmark in benchmarks.items():
        with progress.task(f"read {name}", None):
            collections += benchmark.collections(source)
    names = [collection.name for collection in collections]
    if twice := {name for name in names if names.count(name) > 1}:
        raise UserError(
            f"eval: two benchmarks are called {', '.join(sorted(twice))}; their rows could not be told apart."
        )
    return tuple(collections)
