"""Compares the data with the published counts, so that no result has the name of a set that it does not come from.

Counts are compared, not hashes: the same set exists in many packings, orders and formats, so its copies have different
bytes. The source of the counts of a set is given beside its table.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from hybridret.base.errors import UserError
from hybridret.base.records import Collection, IntArray

OTHER = "_other"  # suffix of the name of a collection that allow_other=true accepted
NOTE = "not as published"  # title of the note with the differences
NAMES = ("beir", "miracl", "mlqa_r", "mr_tydi", "squadshifts", "xquad_r")  # prefixes of the names of published sets


@dataclass(frozen=True)
class Compared:
    """Counts of one kind, such as passages, as read and as published, by language ("" for a set in one language)."""

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
    """The name for a collection, and a note on the differences from the published set, if any.

    name: name of the published set. key: the section of the config. check: keys that may be wrong, for the message.

    Raises UserError if the counts differ, unless `allow_other`: then the name is `NAME_other`.
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
    """Whether `name` is the name of a published set, which must not be used for a user's own data.

    >>> is_published("beir_scifact"), is_published("miracl"), is_published("beirut")
    (True, True, False)
    """
    return any(name == one or name.startswith(f"{one}_") for one in NAMES)


def per_language(numbers: IntArray, collection: Collection) -> dict[str, int]:
    """How often each of the collection's languages occurs in `numbers` [n], which are indices of languages."""
    counts = np.bincount(numbers, minlength=len(collection.languages)).tolist()
    return dict(zip(collection.languages, counts, strict=True))
