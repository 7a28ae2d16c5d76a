"""What facts are about, and the order that replaces a random generator here."""

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
    """A number in [0, 1) that looks random but depends on nothing except its arguments.

    Drawn from a hash instead of a generator's stream, so that the split of one fact does not move when another fact
    comes or goes, and no release of Python or numpy can change it.
    """
    digest = hashlib.sha256(f"{seed}/{purpose}/{key}".encode()).digest()
    return int.from_bytes(digest[:7], "big") / 2**56
