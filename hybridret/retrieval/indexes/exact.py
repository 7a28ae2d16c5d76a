"""Exact search: the inner product of every query with every passage; `exact_scan.py` computes a process's share."""

from __future__ import annotations

from functools import partial
from typing import Annotated, cast

import numpy as np
from annotated_types import Ge, MultipleOf

from hybridret.base.progress import Progress
from hybridret.base.ranges import Count, checked
from hybridret.base.records import Hits, IntArray
from hybridret.distributed.process_group import ProcessGroup
from hybridret.retrieval.indexes.together import raise_on_all_processes
from hybridret.retrieval.search_request import SearchRequest
from hybridret.retrieval.topk import dense_ties, merge_keys, unpack

_QUERIES_AT_ONCE = 4096  # more queries are searched in rounds: the candidates take 100 MB per thread at k = 1000


@checked("index")
class Exact:
    """Plug-in `index`: exact inner-product search in fp32 with torch.

    `query_tile` and `passage_tile` are the sizes of one matmul. On a CPU its scores should fit in the cache; a GPU is
    faster with larger tiles. Fewer queries are padded to a whole `query_tile`. A search uses as many threads as torch.
    Memory: the vectors of one passage tile per thread, (3/2 k + `passage_tile`) * 8 bytes per query and thread, and 4
    bytes per passage for the order of ties.
    """

    def __init__(self, query_tile: Count = 256, passage_tile: Annotated[int, Ge(8), MultipleOf(8)] = 1024) -> None:
        self._query_tile = query_tile
        self._passage_tile = passage_tile

    def search(self, request: SearchRequest, processes: ProcessGroup, progress: Progress) -> Hits:
        """See `protocols.Index`. Raises UserError, in every process, if a score is NaN or infinite."""
        from hybridret.retrieval.indexes.exact_scan import Scan  # here: torch

        hits, count = request.empty(), len(request.queries)
        if not hits.passages.size:
            return hits
        ties, columns = dense_ties(request.tie_order)
        size = self._passage_tile
        mine = range(request.first + processes.rank * size, request.last, processes.world * size)
        at_once = -(-_QUERIES_AT_ONCE // self._query_tile) * self._query_tile
        rounds = range(0, count, at_once)
        total = sum(min(size, request.last - start) for start in mine) * len(rounds)
        with progress.task("search", total) as advance:
            for start in rounds:
                part = slice(start, min(start + at_once, count))
                scan = Scan(request, part, iter(mine), ties, advance)
                keys = raise_on_all_processes(partial(scan.run, self._query_tile, size), processes)
                keys = merge_keys(cast(list[IntArray], processes.gather(keys)), request.depth)
                hits.passages[part], hits.scores[part] = unpack(keys, columns)
        np.add(hits.passages, request.first, out=hits.passages)
        return hits

    def notes(self) -> dict[str, str]:
        return {}
