"""The passages of a language that negatives are looked for among: those of the training questions, each text once.

Rows of a passage file may hold one text twice: questions that exist in other languages have rows of their own.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import cast, overload

import numpy as np
from numpy.typing import NDArray

from hybridret.base.records import IntArray, ParallelPairs
from hybridret.data.prepared.stored_texts import StoredTexts

SLICE = 1 << 15  # texts that are hashed at a time
Hashes = NDArray[np.uint64]


@dataclass(frozen=True)
class DistinctPassages:
    """P passages in the order of their rows. `rows` [P]: the first row of each text; `hashes` [P] of the texts;
    `groups` [P]: the passage groups of these rows. Other rows with the text of passage p have the further groups
    `more_groups[bounds[p] : bounds[p + 1]]`. `of_question` [Q]: the passage of each question, -1 where it has none in
    this language.
    """

    language: str
    texts: StoredTexts
    rows: IntArray
    hashes: Hashes
    groups: IntArray
    bounds: IntArray
    more_groups: IntArray
    of_question: IntArray

    def __len__(self) -> int:
        return len(self.rows)

    @cached_property
    def fingerprint(self) -> str:
        """32 hex digits that only equal lists of texts share, for caches of vectors."""
        return hashlib.sha256(self.hashes.tobytes()).hexdigest()[:32]


def distinct_passages(pairs: ParallelPairs, language: str, row_groups: IntArray) -> DistinctPassages:
    """The passages of `language` in prepared pairs; `row_groups` are the groups of all rows."""
    stored = cast(StoredTexts, pairs.passages[language])
    of_question = question_rows(pairs)
    present = stored.present
    used = np.unique(of_question[present])
    whole = StoredTexts(stored.path, used)
    hashes, first, inverse = np.unique(text_hashes(whole), return_index=True, return_inverse=True)
    order = np.argsort(first)
    position = np.empty_like(order)
    position[order] = np.arange(len(order))
    rows, of_used = used[first[order]], position[inverse]
    of = np.full(len(pairs), -1, dtype=np.int64)
    of[present] = of_used[np.searchsorted(used, of_question[present])]
    groups, own = np.asarray(row_groups)[rows], np.asarray(row_groups)[used]
    further = own != groups[of_used]
    copies, more_groups = np.unique(np.stack([of_used[further], own[further]]), axis=1)
    bounds = np.searchsorted(copies, np.arange(len(rows) + 1))
    texts = StoredTexts(stored.path, rows)
    return DistinctPassages(language, texts, rows, hashes[order], groups, bounds, more_groups, of)


def question_rows(pairs: ParallelPairs) -> IntArray:
    """[Q]: the row of each question's passage, the same in all languages."""
    stored = cast(StoredTexts, pairs.passages[pairs.languages[0]])
    return np.arange(len(pairs)) if stored.rows is None else np.asarray(stored.rows)


def groups_of_rows(pairs: ParallelPairs) -> IntArray:
    """[rows of the passage files]: the passage group of each row, -1 where no training question has it."""
    stored = cast(StoredTexts, pairs.passages[pairs.languages[0]])
    rows = question_rows(pairs)
    groups = np.full(len(StoredTexts(stored.path)), -1, dtype=np.int64)
    groups[rows] = pairs.passage_groups
    return groups


def text_hashes(texts: Sequence[str | None]) -> Hashes:
    """[n]: 64 bits of a hash of each text, 0 where there is none; read in slices."""
    found = np.zeros(len(texts), dtype=np.uint64)
    for start in range(0, len(texts), SLICE):
        for at, text in enumerate(texts[start : start + SLICE], start):
            if text is not None:
                digest = hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8).digest()
                found[at] = int.from_bytes(digest, "little")
    return found


class RowIds(Sequence[str]):
    """Ids of P passages, from their positions; made when asked."""

    def __init__(self, count: int) -> None:
        self._count = count

    def __len__(self) -> int:
        return self._count

    def __iter__(self) -> Iterator[str]:
        return (f"{position:012d}" for position in range(self._count))

    @overload
    def __getitem__(self, index: int) -> str: ...

    @overload
    def __getitem__(self, index: slice) -> list[str]: ...

    def __getitem__(self, index: int | slice) -> str | list[str]:
        found = range(self._count)[index]
        return f"{found:012d}" if isinstance(found, int) else [f"{position:012d}" for position in found]
