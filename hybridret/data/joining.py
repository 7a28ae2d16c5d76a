"""The streaming join of judgments with the ids of a corpus, and the counts of what does not fit."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from hybridret.data.qrels import Qrels
from hybridret.errors import UserError
from hybridret.ordering import slices
from hybridret.records import IntArray

UNKNOWN_QUERIES = "judgments of unknown queries"
UNKNOWN_PASSAGES = "judgments of unknown passages"
REPEATED = "judgments given twice"


class Finder:
    """Places of the passages that judgments name: `places` [N], -1 where the corpus lacks one."""

    def __init__(self, ids: Iterable[str]) -> None:
        self.numbers = {identifier: number for number, identifier in enumerate(dict.fromkeys(ids))}
        self.places = np.full(len(self.numbers), -1, dtype=np.int64)

    def look_through(self, ids: Sequence[str], first: int) -> IntArray:
        """Note the places of `ids`, counted from `first`, and return their hashes: one reading serves both."""
        hashed = np.empty(len(ids), dtype=np.int64)
        done = 0
        for part in slices(ids):
            hashed[done : done + len(part)] = np.fromiter(map(hash, part), np.int64, len(part))
            for place, identifier in enumerate(part, done):
                if identifier in self.numbers:
                    self.places[self.numbers[identifier]] = first + place
            done += len(part)
        return hashed

    def of(self, ids: Sequence[str]) -> IntArray:
        """The place of each id."""
        return self.places[[self.numbers[identifier] for identifier in ids]]


@dataclass(frozen=True)
class Rows:
    """Relevant judgments [r] of a part by query (places within the part), as places in the collection."""

    queries: IntArray
    passages: IntArray
    grades: IntArray


class Counts:
    """What did not fit, per language."""

    def __init__(self, languages: Sequence[str]) -> None:
        self._languages = languages
        self._found: dict[str, dict[str, int]] = {}

    def add(self, what: str, language: str, count: int) -> None:
        if count:
            self._found.setdefault(what, {})[language] = count

    def notes(self) -> dict[str, str]:
        if len(self._languages) == 1:
            return {what: str(sum(found.values())) for what, found in self._found.items()}
        return {
            what: ", ".join(f"{code} {count}" for code, count in found.items()) for what, found in self._found.items()
        }

    def text(self) -> str:
        return "; ".join(f"{what}: {count}" for what, count in self.notes().items()) or "there is none of grade above 0"


def join(
    name: str,
    language: str,
    qrels: Qrels,
    query_ids: Sequence[str],
    passage_ids: Sequence[str],
    finder: Finder,
    counts: Counts,
) -> Rows:
    """Judgments as places; what does not fit goes to `counts`. `finder` has looked through the passages.

    Raises UserError where more than half of them name what does not exist.
    """
    number = {identifier: place for place, identifier in enumerate(query_ids)}
    queries = np.array([number.get(identifier, -1) for identifier in qrels.query_ids], dtype=np.int64)
    passages = finder.of(qrels.passage_ids)
    for what, key, places, asked, ids in (
        ("queries", UNKNOWN_QUERIES, queries, qrels.query_ids, query_ids),
        ("passages", UNKNOWN_PASSAGES, passages, qrels.passage_ids, passage_ids),
    ):
        unknown = np.flatnonzero(places < 0)
        counts.add(key, language, len(unknown))
        if 2 * len(unknown) > len(places):
            have = f"there are ids such as {ids[0]!r}" if len(ids) else f"there are no {what}"
            raise UserError(
                f"{name}: {len(unknown)} of {len(places)} judgments in {language} name {what} that do not exist, "
                f"such as {asked[unknown[0]]!r}, while {have}. Check that corpus, queries and qrels belong together."
            )
    relevant = np.flatnonzero((queries >= 0) & (passages >= 0) & (qrels.grades > 0))
    order = relevant[np.lexsort((passages[relevant], queries[relevant]))]
    rows = Rows(queries[order], passages[order], qrels.grades[order])
    judged = len(np.unique(queries[queries >= 0]))
    counts.add("queries without a judgment, left out", language, len(number) - judged)
    counts.add("queries without a relevant passage, left out", language, judged - len(np.unique(rows.queries)))
    counts.add(REPEATED, language, qrels.repeated)
    return rows
