"""Randomization tests that exchange whole rows: what a question is like against what became of it.

The statistic is the sum over cells of residual times membership, the numerator of Mantel and Haenszel's test. Rows are
exchanged among rows of one class, which are asked and known in the same cells.

Shape legend: Q rows, C columns, G groups, B draws.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

Residuals = NDArray[np.float64]
CHUNK = 1 << 21  # numbers drawn at a time
EQUAL = 1e-4  # of the largest total: totals in fp32 that are this close are equal


def row_classes(patterns: NDArray[np.bool_]) -> NDArray[np.int64]:
    """[Q]: the number of the class of each row, rows of equal `patterns` [Q, C] being one class."""
    _, classes = np.unique(np.packbits(patterns, axis=1), axis=0, return_inverse=True)
    return np.asarray(classes, dtype=np.int64).reshape(-1)


def exchanges(classes: NDArray[np.int64], draws: int, seed: int) -> Iterator[NDArray[np.int64]]:
    """Orders of the rows that keep each in its class, `draws` in all, in blocks [B, Q]."""
    random = np.random.default_rng(seed)
    rows = len(classes)
    homes = np.argsort(classes, kind="stable")
    step = max(1, CHUNK // max(rows, 1))
    for start in range(0, draws, step):
        count = min(step, draws - start)
        keys = classes + random.random((count, rows))  # sorted, they stay in their class
        orders = np.empty((count, rows), dtype=np.int64)
        orders[:, homes] = np.argsort(keys, axis=1)
        yield orders


def exchange_test(
    residuals: NDArray[np.float64],
    members: NDArray[np.bool_],
    classes: NDArray[np.int64],
    draws: int,
    seed: int,
) -> NDArray[np.float64]:
    """Two-sided p [G] of the totals of `residuals` [Q, C] over `members` [G, Q, C]: how often rows exchanged within
    their `classes` [Q] are as far from the mean of all exchanges; never 0, as the observed order is one of them."""
    # Columns in which all groups agree need one look-up of their residuals together.
    kinds = members.transpose(2, 0, 1).reshape(residuals.shape[1], -1)
    _, first, kind = np.unique(np.packbits(kinds, axis=1), axis=0, return_index=True, return_inverse=True)
    merged = residuals @ (np.asarray(kind).reshape(-1)[:, None] == np.arange(len(first))).astype(np.float64)
    held = members[:, :, first].transpose(2, 1, 0).astype(np.float32)  # [columns, Q, G]
    counts = np.bincount(classes).astype(np.float64)
    mean = np.zeros(len(members))
    for column, own in enumerate(held):
        totals = np.bincount(classes, weights=merged[:, column], minlength=len(counts))
        sizes = np.stack([np.bincount(classes, weights=one, minlength=len(counts)) for one in own.T], axis=1)
        mean += (totals / counts) @ sizes
    observed = np.einsum("qc,cqg->g", merged, held) - mean
    single = merged.astype(np.float32)
    limit = np.abs(observed) * (1 - EQUAL)
    reached = np.zeros(len(members), dtype=np.int64)
    for orders in exchanges(classes, draws, seed):
        totals = np.zeros((len(orders), len(members)), dtype=np.float32)
        for column, own in enumerate(held):
            totals += single[:, column][orders] @ own
        reached += (np.abs(totals - mean) >= limit).sum(axis=0)
    return np.asarray((1.0 + reached) / (1.0 + draws), dtype=np.float64)


def joint_exchange_tests(
    couples: Sequence[tuple[Residuals, Residuals]], classes: NDArray[np.int64], draws: int, seed: int
) -> NDArray[np.float64]:
    """Two-sided p of each total of first times second, both residuals [Q, C], when the rows of the second are exchanged
    within their `classes` [Q]; the exchanges are the same for all couples. The total is divided by the root of the sum
    of its squared rows (Chung and Romano 2013): cells that are 0 for want of a trial coincide, and fall apart when
    exchanged."""
    single = [(one.astype(np.float32), two.T.astype(np.float32)) for one, two in couples]
    observed = [_studentised(np.einsum("qc,cq->q", one, two)[None])[0] for one, two in single]
    reached = np.zeros(len(couples))
    rows = np.arange(len(classes))
    step = max(1, 4 * CHUNK // max(len(rows), 1))
    parts = [rows[start : start + step] for start in range(0, len(rows), step)]
    for orders in exchanges(classes, draws, seed):
        for i, (one, two) in enumerate(single):
            products = [(one[part] @ two)[np.arange(len(part)), orders[:, part]] for part in parts]
            totals = np.abs(_studentised(np.concatenate(products, axis=1)))
            reached[i] += (totals >= abs(observed[i]) * (1 - EQUAL)).sum()
    return np.asarray((1.0 + reached) / (1.0 + draws))


def _studentised(products: NDArray[np.float32]) -> NDArray[np.float64]:
    """[B, Q] -> [B]; 0 where all products are 0."""
    total = products.sum(axis=1, dtype=np.float64)
    spread = np.sqrt((products.astype(np.float64) ** 2).sum(axis=1))
    return np.asarray(np.divide(total, spread, out=np.zeros(len(total)), where=spread > 0), dtype=np.float64)
