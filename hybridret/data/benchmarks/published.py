"""What was read against what was published: no number stands under the name of a set that it does not come from.

Counts, not hashes: the same set is packed, ordered and written in many ways, and copies of it have other bytes. Where
the counts of a set come from stands beside its table.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from hybridret.base.errors import UserError
from hybridret.base.records import Collection, IntArray

OTHER = "_other"  # behind the name of what was asked for with allow_other=true
NOTE = "not as published"  # the note that says how it differs
NAMES = ("beir", "miracl", "mlqa_r", "mr_tydi", "xquad_r")  # what names of published sets begin with


@dataclass(frozen=True)
class Compared:
    """How much of one kind, such as passages, was read and published: by language, "" where there is one only."""

    what: str
    read: Mapping[str, int]
    published: Mapping[str, int]

    def differences(self) -> list[str]:
        return [
            f"{count:,} {self.what}{f' in {language}' if language else ''} where {self.published[language]:,} were "
            f"published"
            for language, count in self.read.items()
            if language in self.published and count != self.published[language]
        ]


def checked_name(
    name: str, compared: Sequence[Compared], key: str, allow_other: bool, check: str
) -> tuple[str, dict[str, str]]:
    """The name that a collection may bear, and the note that belongs to it.

    name: of the published set. key: the section of the config. check: the keys that may be wrong, for the message.

    Raises UserError where other counts were read, unless `allow_other`: then the name is `NAME_other`.
    """
    found = [text for one in compared for text in one.differences()]
    if not found:
        return name, {}
    differences = "; ".join(found)
    if allow_other:
        return name + OTHER, {NOTE: differences}
    raise UserError(
        f"{key}: these files are not {name} as published: {differences}. Check {check}; to evaluate them all the same, "
        f"under the name {name}{OTHER}, set {key}.allow_other=true."
    )


def is_published(name: str) -> bool:
    """Whether it is the name of a published set, which no data of the user's own may bear.

    >>> is_published("beir_scifact"), is_published("miracl"), is_published("beirut")
    (True, True, False)
    """
    return any(name == one or name.startswith(f"{one}_") for one in NAMES)


def per_language(numbers: IntArray, collection: Collection) -> dict[str, int]:
    """How many of the language `numbers` [n] are each of the collection's languages."""
    counts = np.bincount(numbers, minlength=len(collection.languages)).tolist()
    return dict(zip(collection.languages, counts, strict=True))
