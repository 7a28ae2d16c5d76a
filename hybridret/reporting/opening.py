"""Which sentences open a page: the best one of every answer, then the most important ones.

Without the first rule a sweep over sizes on two test sets would open with six comparisons and say nothing of size.
"""

from __future__ import annotations

from collections.abc import Sequence

SENTENCES = 7


def opening(kinds: Sequence[str], importances: Sequence[float], count: int = SENTENCES) -> list[int]:
    """The numbers of at most `count` sentences, the most important first; of equal ones the earlier.

    kinds: the answer of each sentence; importances: 0 for one that is for its section alone.

    >>> opening(["a", "a", "a", "b", "c"], [0.9, 0.8, 0.7, 0.3, 0.0], 3)
    [0, 1, 3]
    """
    ranked = sorted((i for i, one in enumerate(importances) if one > 0), key=lambda i: -importances[i])
    first: dict[str, int] = {}
    for i in ranked:
        first.setdefault(kinds[i], i)
    best = [*first.values(), *(i for i in ranked if i not in first.values())][:count]
    return sorted(best, key=ranked.index)
