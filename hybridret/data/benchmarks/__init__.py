"""Benchmarks: readers that turn published test data, or a pair source's own test part, into collections.

A new one is a file here with a class of this shape, and a yaml in `conf/eval` that names it.
"""

from __future__ import annotations

from typing import Protocol

from hybridret.data.source import PairSource
from hybridret.records import Collection


class Benchmark(Protocol):
    """`source` is what the model was trained on, None where that is unknown."""

    def collections(self, source: PairSource | None) -> tuple[Collection, ...]: ...
