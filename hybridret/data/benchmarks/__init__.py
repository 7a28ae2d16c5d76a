"""Benchmarks: readers that turn published test data, or a pair source's own test part, into collections.

A new one is a file here with a class of this shape, and a yaml in `conf/eval` that names it.
"""

from __future__ import annotations

from typing import Protocol

from hybridret.base.records import Collection
from hybridret.data.source import PairSource


class Benchmark(Protocol):
    """`source` is what the model was trained on, None where that is unknown."""

    def collections(self, source: PairSource | None) -> tuple[Collection, ...]: ...

    def missing(self) -> list[str]:
        """What of its files is not to be had, each with what fetches it; none of them is read."""
        ...

    def published(self) -> tuple[int, int] | None:
        """Queries and passages as published, for plans; None where only reading tells."""
        ...
