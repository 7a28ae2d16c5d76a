"""The smallest change of a question that flips its result: beam search over edits (after arXiv 2505.18673).

The search knows no model. It asks for the position of the first relevant passage of many texts at once, so that an
encoder works in batches, and stops at the first number of edits at which some text flips.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hybridret.analysis.pitfalls.edits import Edit, edits_of

Positions = Callable[[Sequence[str]], NDArray[np.int64]]  # texts [n] -> of the first relevant passage [n], 1 the best


@dataclass(frozen=True)
class Search:
    """cutoff: a question is found where its position is at most this. depth: the most edits of a text. width: texts
    kept after each edit. budget: the most texts that are scored, with the question itself. batch: texts of one call.
    Raises ValueError for a number below 1."""

    cutoff: int = 10
    depth: int = 3
    width: int = 8
    budget: int = 1000
    batch: int = 64

    def __post_init__(self) -> None:
        if wrong := [name for name, value in vars(self).items() if value < 1]:
            raise ValueError(f"{wrong[0]} must be at least 1")


@dataclass(frozen=True)
class Flip:
    """text, edits, after: the changed question, how it was made, and its position; None, () and None where no flip was
    found. before: the position of the question itself. scored: how many texts were. spent: the budget ended the search,
    so a flip may have been missed."""

    before: int
    text: str | None
    edits: tuple[Edit, ...]
    after: int | None
    scored: int
    spent: bool


def smallest_flip(question: str, names: Sequence[str], positions: Positions, search: Search) -> Flip:
    """The flip of `question` with the fewest edits that the beam meets.

    A found question is to be lost, so texts with a late position are kept; a lost one is to be found. Of several flips
    with equally many edits the one with the best position for the flip is taken, then the first in alphabetical order.
    At one edit the search is exhaustive. `names`: those of the parallel question in the other language.
    """
    asked = _Asked(positions, search)
    before = asked.of([question])[0]
    found = before <= search.cutoff
    beam: list[tuple[str, tuple[Edit, ...]]] = [(question, ())]
    known = {question}
    for _ in range(search.depth):
        grown: dict[str, tuple[Edit, ...]] = {}
        for text, edits in beam:
            for edit, changed in edits_of(text, names):
                if changed not in known:
                    known.add(changed)
                    grown[changed] = (*edits, edit)
        texts = list(grown)[: search.budget - asked.scored]
        spent = len(texts) < len(grown)
        at = asked.of(texts)
        sign = -1 if found else 1
        order = sorted(range(len(texts)), key=lambda i: (sign * at[i], texts[i]))
        if order and (at[order[0]] <= search.cutoff) != found:
            best = texts[order[0]]
            return Flip(before, best, grown[best], at[order[0]], asked.scored, spent)
        if spent or not order:
            return Flip(before, None, (), None, asked.scored, spent)
        beam = [(texts[i], grown[texts[i]]) for i in order[: search.width]]
    return Flip(before, None, (), None, asked.scored, False)


class _Asked:
    """Counts the texts that were scored."""

    def __init__(self, positions: Positions, search: Search) -> None:
        self._positions, self._search, self.scored = positions, search, 0

    def of(self, texts: Sequence[str]) -> list[int]:
        found: list[int] = []
        for start in range(0, len(texts), self._search.batch):
            part = texts[start : start + self._search.batch]
            found += [int(one) for one in self._positions(part)]
            self.scored += len(part)
        return found
