"""From the hits of a search to the ranks of judged passages, without a Python step per query.

Few of the many hits of a query are judged. A small table of marks, addressed by the last bits of a passage's number,
filters out nearly all other hits, for a block of rows at a time; it fits in the processor's cache, so this is fast. The
remaining hits are looked up by binary search among the judgments, so that the result is exact. The memory does not
depend on the size of the pool.

Shape legend: q queries, k hits of each, R judgments.
"""

from __future__ import annotations

import numpy as np

from hybridret.base.records import Hits, IntArray

NOT_FOUND = 1 << 62  # the rank of a judged passage that is not among the hits: beyond any cutoff

MARKS = 1 << 16  # bytes of the table of marks
CROWDED = MARKS // 64  # judgments marked at a time: then about 1/64 of the hits without a judgment pass the filter
BLOCK = 1 << 16  # hits in a block


def ranks_in_hits(hits: IntArray, rows: IntArray, passages: IntArray, pool: int) -> IntArray:
    """Ranks [R], the best is 1, of judged `passages` [R] in the rows `rows` [R] of `hits` [q, k]; else `NOT_FOUND`.

    A row of `hits` holds different passage numbers below `pool`, best first, and -1 after the last. The judgments may
    be in any order. Raises ValueError if a row or passage is out of range.
    """
    rows, passages = np.asarray(rows, dtype=np.int64), np.asarray(passages, dtype=np.int64)
    ranks = np.full(len(rows), NOT_FOUND, dtype=np.int64)
    if not len(rows):
        return ranks
    if rows.min() < 0 or rows.max() >= len(hits):
        raise ValueError(f"a judgment of row {rows.min()} or {rows.max()}; there are {len(hits)} rows of hits")
    if passages.min() < 0 or max(int(passages.max()), int(hits.max(initial=-1))) >= pool:
        raise ValueError(f"a passage of the hits or judgments is not in a pool of {pool}")
    if not hits.shape[1]:
        return ranks
    keys = rows * pool + passages  # judgments ordered by query and passage have ascending keys: the sort is then fast
    order = np.argsort(keys, kind="stable")
    keys, marked = keys[order], (passages & (MARKS - 1))[order]
    found = np.full(len(keys), NOT_FOUND, dtype=np.int64)
    marks = np.zeros(MARKS, dtype=bool)
    step = max(1, min(BLOCK // hits.shape[1], CROWDED * len(hits) // len(keys)))
    for start in range(0, len(hits), step):
        begin, end = np.searchsorted(keys, [start * pool, (start + step) * pool])
        if begin == end:
            continue
        block = hits[start : start + step].ravel()
        marks[marked[begin:end]] = True
        cells = np.flatnonzero(marks[block & (MARKS - 1)])
        marks[marked[begin:end]] = False
        cells = cells[block[cells] >= 0]
        row, column = np.divmod(cells, hits.shape[1])
        wanted = (start + row) * pool + block[cells]
        position = begin + np.minimum(np.searchsorted(keys[begin:end], wanted), end - begin - 1)
        judged = keys[position] == wanted
        found[position[judged]] = column[judged] + 1
    if (keys[1:] == keys[:-1]).any():
        found = found[np.searchsorted(keys, keys)]  # the search finds the first of equal judgments
    ranks[order] = found
    return ranks


def drop_identical(hits: Hits, same: IntArray, keep: int | None = None) -> Hits:
    """`hits` [q, k] without the passage `same` [q] of each row (-1: none), cut to `keep` columns; None: k - 1.

    BEIR's rule for sets whose queries are passages too: search for one hit more than wanted, and pass the wanted number
    as `keep`. A corpus with fewer passages gives fewer columns, and then no row may lose its last hit.
    """
    columns = hits.passages.shape[1]
    width = max(0, columns - 1 if keep is None else min(keep, columns))
    passages, scores = hits.passages[:, : width + 1], hits.scores[:, : width + 1]
    if width == columns:  # no column after the last hit that could move up
        passages = np.pad(passages, ((0, 0), (0, 1)), constant_values=-1)
        scores = np.pad(scores, ((0, 0), (0, 1)), constant_values=-np.inf)
    found = passages == same[:, None]  # -1 matches an empty column: dropping it is as good as dropping the last one
    column = np.where(found.any(axis=1), found.argmax(axis=1), width)
    kept = np.ones(passages.shape, dtype=bool)
    kept[np.arange(len(kept)), column] = False
    return Hits(passages[kept].reshape(len(kept), width), scores[kept].reshape(len(kept), width))
