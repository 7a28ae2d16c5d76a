"""Interface of a source of passage vectors."""

from __future__ import annotations

from typing import Protocol

from hybridret.base.records import FloatArray


class VectorSource(Protocol):
    """Passage vectors [P, D], in memory or on disk."""

    def __len__(self) -> int: ...

    @property
    def dimension(self) -> int: ...

    def rows(self, start: int, stop: int) -> FloatArray:
        """Vectors `start` to `stop` - 1 as fp32, [stop - start, D]; does not read others."""
        ...
