"""What an evaluation or a search needs of a retriever: scores of queries for the passages of an index."""

from __future__ import annotations

from typing import Protocol

from hybridret.progress import Progress
from hybridret.records import Collection, FloatArray, IntArray


class PassageIndex(Protocol):
    """Some passages of a collection, ready to be scored."""

    def scores(self, queries: IntArray) -> FloatArray:
        """[q, P'] fp32 for query indices [q] of the collection; higher is better; columns in the index's order."""
        ...


class Retriever(Protocol):
    """Makes indexes. `cosine`: scores are cosines, so they do not depend on the rest of the index and contrastive
    entropy is defined."""

    @property
    def cosine(self) -> bool: ...

    def index(self, collection: Collection, passages: IntArray, progress: Progress) -> PassageIndex:
        """Index the passages [P'] (indices into the collection); contexts are part of a passage."""
        ...
