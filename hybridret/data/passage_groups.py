"""Passage groups of rows without ids of passages: rows that share a question id or a passage text share a group.

Translations of a passage are found through the questions that they share. One group may hold several texts of a
language: two paragraphs that one paragraph of another language answers (MLQA), two sentences that are one sentence
there. Each text keeps a pid of its own, so that no question gets the passage of another one.
"""

from __future__ import annotations

import dataclasses
import logging
from collections.abc import Sequence

from hybridret.data.rows import Row
from hybridret.data.split import connected

LARGE = 0.1  # from this share of the pairs on, a passage group is worth a warning

_log = logging.getLogger(__name__)


def with_passage_groups(rows: Sequence[Row]) -> list[Row]:
    """`rows` with pid and group; the first text of a language in a group has the name of the group as its pid."""
    numbers = connected([("qid", row.dataset, row.qid), ("text", row.dataset, row.passage)] for row in rows)
    names: dict[int, str] = {}
    for row, number in zip(rows, numbers, strict=True):
        names[number] = min(names.get(number, row.qid), row.qid)
    texts: dict[tuple[int, str], dict[str, int]] = {}
    found = []
    for row, number in zip(rows, numbers, strict=True):
        known = texts.setdefault((number, row.lang), {})
        position = known.setdefault(row.passage, len(known))
        group = f"passage of {names[number]}"
        pid = f"{group}, {position + 1}" if position else group
        found.append(dataclasses.replace(row, pid=pid, group=group))
    return found


def warn_of_a_large_group(name: str, largest: int, pairs: int, advice: str) -> None:
    """A warning where the largest of the groups holds more than `LARGE` of the pairs of `name`."""
    if largest > max(1, LARGE * pairs):
        _log.warning(
            "%s: %s of %s pairs are linked by shared questions and passages, and a batch takes only one of them. %s",
            name,
            f"{largest:,}",
            f"{pairs:,}",
            advice,
        )
