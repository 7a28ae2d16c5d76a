"""Paired randomization test with questions as clusters (Fisher; for retrieval: Smucker et al., CIKM 2007).

If two systems are equal, each question's difference could as well have the other sign. One sign is drawn for a whole
question, that is for all its translations at once, since they are not independent. Seeds are averaged before.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

MEMORY = 128 * 2**20  # bytes that one block of draws takes, beside the arrays given
_ROUNDING = 1e-12  # sums of the same numbers in another order are equal


def randomization_test(
    contributions: NDArray[np.float64],
    pairs: NDArray[np.int64],
    draws: int = 10_000,
    seed: int = 0,
    memory: int = MEMORY,
) -> NDArray[np.float64]:
    """Two-sided p of every comparison and target: [comparisons, targets].

    contributions: [systems, questions, targets], what each question adds to a target (`SystemValues.contributions`).
    pairs: [comparisons, 2], the systems that are compared. All comparisons share their signs, so one product of
    matrices, signs [draws, questions] by contributions [questions, systems * targets], serves them all. It is taken in
    blocks of draws that need `memory` bytes beside the input, at least one draw.

    p is (1 + draws at least as far from 0 as observed) / (1 + draws). Where all 2^questions signs are no more than
    `draws`, each is taken once and p is exact. Where no draw is as far as observed, p is the upper bound
    2 exp(-T^2 / (2 sum d^2)) if that is smaller (Hoeffding 1963, theorem 2, which holds for signed sums of any
    numbers): without it no p of a family of thousands could be small enough to survive a correction.
    Raises ValueError where the shapes do not fit or `draws` is below 1.
    """
    contributions, pairs = np.asarray(contributions, dtype=np.float64), np.asarray(pairs, dtype=np.int64)
    if contributions.ndim != 3 or pairs.ndim != 2 or pairs.shape[1] != 2 or draws < 1:
        raise ValueError(
            f"contributions must be [systems, questions, targets] and pairs [comparisons, 2], got "
            f"{contributions.shape} and {pairs.shape}, with {draws} draws"
        )
    _, questions, targets = contributions.shape
    few = len(pairs) <= len(contributions)  # then the differences themselves are the smaller matrix
    first, second = pairs.T
    basis: NDArray[np.float64] = contributions - contributions.mean(axis=0)  # less to cancel out in the sums
    if few:
        basis = contributions[first] - contributions[second]
    observed, squares, limit = _observed(contributions, pairs)
    matrix = np.ascontiguousarray(basis.transpose(1, 0, 2)).reshape(questions, -1)
    rows = max(1, memory // (8 * (2 * questions + matrix.shape[1] + 3 * targets)))
    farther: NDArray[np.float64] = np.zeros((len(pairs), targets))
    exact = questions < 63 and 2**questions <= draws
    blocks = _all_signs(questions, rows) if exact else _drawn_signs(questions, draws, seed, rows)
    for signs in blocks:
        sums = (signs @ matrix).reshape(len(signs), -1, targets)
        for i, (a, b) in enumerate(pairs):
            difference = sums[:, i] if few else sums[:, a] - sums[:, b]
            farther[i] += (np.abs(difference) >= limit[i]).sum(axis=0)
    if exact:
        return farther / float(2**questions)
    p = (farther + 1.0) / (draws + 1.0)
    bound = 2.0 * np.exp(-(observed**2) / (2.0 * np.where(squares > 0, squares, 1.0)))
    return np.where(farther == 0, np.minimum(p, bound), p)


def _observed(contributions: NDArray[np.float64], pairs: NDArray[np.int64]) -> tuple[NDArray[np.float64], ...]:
    """Observed |difference|, sum of squared differences, and from where on a draw counts: [comparisons, targets]."""
    size = np.abs(contributions).sum(axis=1)  # [systems, targets]
    shape = (len(pairs), contributions.shape[2])
    observed, squares = np.empty(shape), np.empty(shape)
    for i, (a, b) in enumerate(pairs):
        difference = contributions[a] - contributions[b]
        observed[i], squares[i] = np.abs(difference.sum(axis=0)), (difference**2).sum(axis=0)
    return observed, squares, observed - _ROUNDING * (size[pairs[:, 0]] + size[pairs[:, 1]])


def _drawn_signs(questions: int, draws: int, seed: int, rows: int) -> Iterator[NDArray[np.float64]]:
    """Blocks [up to rows, questions] of -1 and 1; all blocks together do not depend on `rows`."""
    random = np.random.default_rng(seed)
    words = -(-questions // 64)
    for start in range(0, draws, rows):
        size = (min(rows, draws - start), words)
        drawn = random.integers(0, 2**64, size=size, dtype=np.uint64).astype("<u8").view(np.uint8)
        yield np.unpackbits(drawn, axis=1, count=questions).astype(np.float64) * 2.0 - 1.0


def _all_signs(questions: int, rows: int) -> Iterator[NDArray[np.float64]]:
    bits = np.arange(questions)
    for start in range(0, 2**questions, rows):
        numbers = np.arange(start, min(start + rows, 2**questions))
        yield (numbers[:, None] >> bits & 1).astype(np.float64) * 2.0 - 1.0
