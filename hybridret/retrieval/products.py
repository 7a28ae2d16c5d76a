"""Inner products of all queries with all passages, with the same bits for any number of threads."""

from __future__ import annotations

import numpy as np
import torch

from hybridret.base.records import FloatArray
from hybridret.retrieval.indexes.exact_scan import inner_products, operand
from hybridret.retrieval.one_thread import mapped

BLOCK = 1 << 12  # passages of one product


def products(queries: FloatArray, passages: FloatArray) -> FloatArray:
    """[q, p], fp32: the inner products of `queries` [q, D] and `passages` [p, D].

    Passages are multiplied in blocks, each by one thread. Each block is copied first: the order of a BLAS sum depends
    on where in a cache line the memory of an operand begins.
    """
    scores = np.empty((len(queries), len(passages)), dtype=np.float32)
    if not scores.size:
        return scores
    asked = operand(torch.from_numpy(queries.copy()), "cpu")

    def fill(start: int) -> None:
        block = operand(torch.from_numpy(passages[start : start + BLOCK].copy()), "cpu")
        scores[:, start : start + BLOCK] = inner_products(asked, block).numpy()

    for _ in mapped(fill, range(0, len(passages), BLOCK)):
        pass
    return scores
