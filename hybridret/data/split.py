"""Split by article: all rows of an article are in the same part.

An article is a connected component: rows that share a title, a passage id, a question id or a passage text, in any
language, are one article. So a passage, including its translations, is never both in training and in test, and titles
may be translated or missing.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from hybridret.base.errors import UserError


def connected(keys_of_rows: Iterable[Sequence[Hashable]]) -> list[int]:
    """The component number of each row; rows that share a key are in one component. Numbered by first appearance.

    >>> connected([["a"], ["b"], ["b", "c"], ["a"], ["c"]])
    [0, 1, 1, 0, 1]
    """
    parents: dict[Hashable, Hashable] = {}

    def root(key: Hashable) -> Hashable:
        parents.setdefault(key, key)
        while parents[key] != key:
            parents[key] = parents[parents[key]]
            key = parents[key]
        return key

    firsts: list[Hashable] = []
    for keys in keys_of_rows:
        firsts.append(keys[0])
        one = root(keys[0])
        for key in keys[1:]:
            parents[root(key)] = one
    numbers: dict[Hashable, int] = {}
    return [numbers.setdefault(root(first), len(numbers)) for first in firsts]


@dataclass(frozen=True)
class Shares:
    """The shares of eligible articles that are held out; `seed` decides which articles. Raises UserError where none is
    left to train on.
    """

    validation: float
    test: float
    seed: int

    def __post_init__(self) -> None:
        if self.validation + self.test >= 1:
            raise UserError(
                f"data.validation_share={self.validation} and data.test_share={self.test} leave nothing to train on; "
                "their sum must be below 1."
            )


TRAIN, VALIDATION, TEST = "train", "validation", "test"


def split_articles(names: Mapping[int, str], eligible: Iterable[int], shares: Shares) -> dict[int, str]:
    """The part (train, validation or test) of every article in `names`. Only `eligible` ones are held out.

    Articles are drawn in the order of a hash of the seed and of the article's name, so the split does not depend on the
    order of the files or of the rows. Raises UserError when a part would be empty.
    """
    pool = sorted(set(eligible), key=lambda article: (_draw(shares.seed, names[article]), names[article]))
    tests = max(1, math.floor(shares.test * len(pool) + 0.5)) if shares.test else 0
    validations = max(1, math.floor(shares.validation * len(pool) + 0.5))
    if tests + validations > len(pool) or tests + validations >= len(names):
        raise UserError(
            f"Too few articles to split: {len(names)} in all, {len(pool)} of them with questions that can be held out, "
            f"but validation_share={shares.validation} and test_share={shares.test} ask for {validations} and {tests}, "
            "and at least one must remain for training. Choose fewer languages, smaller shares, or complete_test=false."
        )
    parts = dict.fromkeys(names, TRAIN)
    parts.update(dict.fromkeys(pool[:tests], TEST))
    parts.update(dict.fromkeys(pool[tests : tests + validations], VALIDATION))
    return parts


def _draw(seed: int, name: str) -> bytes:
    return hashlib.sha256(f"{seed}\n{name}".encode()).digest()
