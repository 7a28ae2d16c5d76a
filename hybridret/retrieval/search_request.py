"""The request of a search: queries, passages, depth and the order of ties."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from hybridret.base.errors import UserError
from hybridret.base.records import FloatArray, Hits, IntArray
from hybridret.retrieval.vector_source import VectorSource


@dataclass(frozen=True)
class SearchRequest:
    """The best `depth` of the passages `first` to `last` - 1 for `queries` [q, D], on the torch device `device`.

    `tie_order` [last - first] is a permutation: the position of each passage among those with equal scores. `depth` is
    lowered to the number of these passages. Raises UserError if the sizes do not fit.
    """

    queries: FloatArray
    passages: VectorSource
    first: int
    last: int
    tie_order: IntArray
    depth: int
    device: str = "cpu"

    def __post_init__(self) -> None:
        if self.depth < 1:
            raise UserError(f"A search for the best {self.depth} passages was asked for; it must be at least 1.")
        numbers, dimension = self.queries.shape[1], self.passages.dimension
        if numbers != dimension and len(self.queries):
            raise UserError(
                f"The vectors of the queries have {numbers} numbers and those of the passages {dimension}: they do not "
                f"come from the same encoder. Encode both with one."
            )
        if not 0 <= self.first <= self.last <= len(self.passages):
            raise UserError(
                f"Passages {self.first} to {self.last} - 1 are to be searched, but there are {len(self.passages)}."
            )
        if len(self.tie_order) != len(self):
            raise UserError(
                f"The tie order has {len(self.tie_order)} positions for {len(self)} passages; it needs one for each."
            )
        object.__setattr__(self, "depth", min(self.depth, len(self)))

    def __len__(self) -> int:
        """The number of passages that are searched."""
        return self.last - self.first

    def of(self, queries: IntArray) -> SearchRequest:
        """The same request for some of its queries: `queries` [n] are their indices."""
        return replace(self, queries=self.queries[queries], depth=max(self.depth, 1))

    def empty(self) -> Hits:
        """Hits [q, depth] to be filled."""
        shape = (len(self.queries), self.depth)
        return Hits(np.empty(shape, dtype=np.int64), np.empty(shape, dtype=np.float32))
