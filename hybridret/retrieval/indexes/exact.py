"""Exact search: the inner product of every query with every passage; how it is computed is in `exact_scan.py`."""

from __future__ import annotations

from hybridret.base.errors import UserError
from hybridret.base.progress import Progress
from hybridret.base.records import FloatArray, Hits, IntArray
from hybridret.distributed.process_group import ProcessGroup
from hybridret.retrieval.protocols import VectorSource


class Exact:
    """Plug-in `index`: exact inner-product search in fp32 with torch.

    `query_tile` and `passage_tile` are the sizes of one matmul; its scores should stay in a processor's cache, while a
    GPU likes larger ones. Few queries are padded to a whole `query_tile`. Searches take as many threads as torch has.
    Beside the vectors of one passage tile per thread it keeps (3/2 k + `passage_tile`) * 8 bytes per query and thread,
    and 4 bytes per passage for the order of ties.
    """

    def __init__(self, query_tile: int = 256, passage_tile: int = 1024) -> None:
        if query_tile < 1 or passage_tile < 8 or passage_tile % 8:
            raise UserError(
                f"index: query_tile is {query_tile} and passage_tile is {passage_tile}; the first must be at least 1 "
                f"and the second a multiple of 8."
            )
        self._query_tile = query_tile
        self._passage_tile = passage_tile

    def search(
        self,
        queries: FloatArray,
        passages: VectorSource,
        first: int,
        last: int,
        tie_order: IntArray,
        k: int,
        device: str,
        ranks: ProcessGroup,
        progress: Progress,
    ) -> Hits:
        """See `protocols.Index`. Raises UserError, on every rank, where a score is NaN or infinite."""
        from hybridret.retrieval.indexes.exact_scan import search  # here: torch

        tiles = (self._query_tile, self._passage_tile)
        return search(*tiles, queries, passages, first, last, tie_order, k, device, ranks, progress)

    def notes(self) -> dict[str, str]:
        return {}
