"""The language that a question asks in, for passages of one language."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from hybridret.base.errors import UserError
from hybridret.base.records import IntArray, ParallelPairs
from hybridret.mining.candidates import mixed

SAME, CROSS = "same", "cross"


def check_asking(queries: str, datasets: Sequence[ParallelPairs]) -> None:
    """Raise UserError for a `mining.queries` that is neither `same` nor `cross` nor a language of a dataset."""
    known = sorted({language for pairs in datasets for language in pairs.languages})
    if queries not in (SAME, CROSS, *known):
        raise UserError(f"mining.queries={queries}: choose same, cross, or a language of the data: {', '.join(known)}.")


def asking_languages(pairs: ParallelPairs, passages: str, queries: str, seed: int) -> IntArray:
    """[Q]: the index of the language in which each question searches the passages of the language `passages`; -1 for a
    question that has no passage there or no text to ask with, as for a language that the dataset lacks.

    `queries`: `same` as the passages; `cross`: another one, drawn by a hash for each question and language of passages
    among those that the question has; or the code of one language.
    """
    column = pairs.languages.index(passages)
    present = pairs.present
    if queries == SAME:
        return np.where(present[:, column], column, -1)
    if queries == CROSS:
        others = present.copy()
        others[:, column] = False
        count = others.sum(axis=1)
        # A modulus of 64 bits: the bias of so few languages is below 1e-17.
        drawn = mixed(seed, column, np.arange(len(pairs), dtype=np.uint64)) % np.maximum(count, 1).astype(np.uint64)
        found = (np.cumsum(others, axis=1) > drawn.astype(np.int64)[:, None]).argmax(axis=1)
        return np.where(present[:, column] & (count > 0), found, -1)
    if queries not in pairs.languages:
        return np.full(len(pairs), -1, dtype=np.int64)
    asking = pairs.languages.index(queries)
    return np.where(present[:, column] & present[:, asking], asking, -1)
