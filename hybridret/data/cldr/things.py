"""The things that facts mention, and random numbers from a hash instead of a generator."""

from __future__ import annotations

import hashlib
from typing import NamedTuple

KINDS = {
    "T": "territory",
    "G": "language",
    "C": "currency",
    "S": "script",
    "Z": "place (exemplar city of a time zone)",
    "M": "time zone",
    "D": "weekday",
    "O": "month",
}


class Thing(NamedTuple):
    """Something that CLDR names in every language: a kind of `KINDS` and the code that CLDR uses (`T`, `FR`).

    Weekdays are numbered from Monday = 0, months from January = 1.
    """

    kind: str
    code: str

    def __str__(self) -> str:
        return f"{self.kind}:{self.code}"


def uniform(seed: int, purpose: str, key: str) -> float:
    """A number in [0, 1) that looks random but depends only on the arguments.

    It is computed from a hash, not from the stream of a generator: the part of a fact does not change when other facts
    are added or removed, or with another release of Python or numpy.
    """
    digest = hashlib.sha256(f"{seed}/{purpose}/{key}".encode()).digest()
    return int.from_bytes(digest[:7], "big") / 2**56
