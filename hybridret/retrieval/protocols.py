"""Interfaces of retrievers for evaluation and search, and of the parts of a retriever."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from hybridret.base.progress import Progress
from hybridret.base.records import Collection, FloatArray, Hits, IntArray
from hybridret.distributed.process_group import ProcessGroup
from hybridret.retrieval.search_request import SearchRequest


class PassageIndex(Protocol):
    """Passages of a collection, ready to be scored. `partial`: passages that are no hits have the score -inf; if it is
    false, such a score is an error."""

    @property
    def partial(self) -> bool: ...

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

    def search(
        self, collection: Collection, queries: IntArray, first: int, last: int, depth: int, progress: Progress
    ) -> Hits:
        """The best `depth` of the passages `first` to `last` - 1 for query indices [q] of the collection."""
        ...

    def notes(self) -> Mapping[str, str]:
        """Notes for a report on the last search, such as the recall of an approximate index; may be empty."""
        ...

    def about(self, collection: Collection) -> Mapping[str, str]:
        """Notes for a report on how `collection` is scored, searched or not; may be empty."""
        ...


class Index(Protocol):
    """A kind of search over vectors; plug-in `index`."""

    def search(self, request: SearchRequest, processes: ProcessGroup, progress: Progress) -> Hits:
        """The hits [q, depth] of `request`, best first.

        They are the same in every process. Exact search gives the same bits for any number of processes.
        """
        ...

    def notes(self) -> Mapping[str, str]:
        """Notes for a report on the last search: recall against exact search, bytes per passage."""
        ...
