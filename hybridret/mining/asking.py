"""The language that a question asks in, for passages of one language."""

from __future__ import annotations

import numpy as np

from hybridret.base.errors import UserError, nearest
from hybridret.base.records import IntArray, ParallelPairs
from hybridret.mining.candidates import mixed

SAME, CROSS = "same", "cross"


def asking_languages(pairs: ParallelPairs, passages: str, queries: str, seed: int) -> IntArray:
    """[Q]: the index of the language in which each question searches the passages of the language `passages`; -1 for a
    question that has no passage there or no text to ask with.

    `queries`: `same` as the passages; `cross`: another one, drawn by a hash for each question and language of passages
    among those that the question has; or the code of one language. Raises UserError for any other word.
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
        raise UserError(
            f"mining.queries={queries}: choose same, cross, or one of the languages of {pairs.name}. "
            f"{nearest(queries, (SAME, CROSS, *pairs.languages))}"
        )
    asking = pairs.languages.index(queries)
    return np.where(present[:, column] & present[:, asking], asking, -1)
