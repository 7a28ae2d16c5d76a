"""Benchmarks: readers that turn published test data, or a pair source's own test part, into collections.

A new benchmark is a file here with a class of this shape, and a yaml in `conf/eval` that names it.
"""

from __future__ import annotations

from typing import Protocol

from hybridret.base.records import Collection
from hybridret.data.source import PairSource


class Benchmark(Protocol):
    """`source` is the source of the training pairs of the model; None if it is unknown."""

    def collections(self, source: PairSource | None) -> tuple[Collection, ...]: ...

    def missing(self) -> list[str]:
        """One message for each missing file or group of files, with the command that fetches it; reads no file."""
        ...

    def published(self) -> tuple[int, int] | None:
        """Published numbers of queries and passages, for plans; None if they are known only after reading."""
        ...
