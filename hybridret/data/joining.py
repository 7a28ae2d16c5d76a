"""The streaming join of judgments with the ids of a corpus, and counts of judgments that do not match."""

from __future__ import annotations

from collections.abc import Container, Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from hybridret.base.errors import UserError
from hybridret.base.ids import slices
from hybridret.base.records import IntArray, Unmet
from hybridret.data.qrels import Qrels

UNKNOWN_QUERIES = "judgments of unknown queries"
UNKNOWN_PASSAGES = "judgments of unknown passages"
REPEATED = "judgments given twice"
LACKING = "relevant passages not in the corpus, never found"
SCORED_0 = "queries without a relevant passage in the corpus, scored 0"


def matched(ids: Sequence[str], known: Container[str]) -> list[str]:
    """The ids as the other file has them: unchanged, or without surrounding spaces if only this form is `known`."""
    spaced = {text: text.strip() for text in ids if text not in known and isinstance(text, str)}
    return [spaced[text] if spaced.get(text) in known else text for text in ids]


class Finder:
    """Positions in the corpus of the passages that judgments name: `positions` [N], -1 for a missing passage."""

    def __init__(self, ids: Iterable[str]) -> None:
        given = dict.fromkeys(ids)
        bare = (identifier.strip() for identifier in given)
        self.numbers = {identifier: number for number, identifier in enumerate({**given, **dict.fromkeys(bare)})}
        self.positions = np.full(len(self.numbers), -1, dtype=np.int64)

    def look_through(self, ids: Sequence[str], first: int) -> IntArray:
        """Store the positions of `ids`, counted from `first`, and return their hashes, in one pass over the ids."""
        hashed = np.empty(len(ids), dtype=np.int64)
        done = 0
        for part in slices(ids):
            hashed[done : done + len(part)] = np.fromiter(map(hash, part), np.int64, len(part))
            for position, identifier in enumerate(part, done):
                if identifier in self.numbers:
                    self.positions[self.numbers[identifier]] = first + position
            done += len(part)
        return hashed

    def of(self, ids: Sequence[str]) -> IntArray:
        """The position of each id, or of the id without surrounding spaces if only this form is in the corpus."""
        exact = self.positions[[self.numbers[identifier] for identifier in ids]]
        return np.where(exact >= 0, exact, self.positions[[self.numbers[identifier.strip()] for identifier in ids]])


@dataclass(frozen=True)
class Rows:
    """Relevant judgments [r] of a part: `queries` are positions within the part, ascending, `passages` positions in the
    collection. `unmet`: the judgments without a passage in the corpus (`records.Unmet`)."""

    queries: IntArray
    passages: IntArray
    grades: IntArray
    unmet: Unmet

    @property
    def asked(self) -> IntArray:
        """The queries that were judged, ascending."""
        return np.unique(np.r_[self.queries, self.unmet.queries])


class Counts:
    """Counts of judgments and queries that do not match, by language."""

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
    """Judgments as positions; mismatches are added to `counts`. `finder` must have seen all passages before.

    As in trec_eval, R includes the relevant passages that the corpus lacks, and a judged query stays in the mean, with
    0 if no relevant passage can be found. Also as in trec_eval, judgments of unknown queries and queries without
    judgments are left out.

    Raises UserError if more than half of the judgments name unknown queries or unknown passages.
    """
    number = {identifier: position for position, identifier in enumerate(query_ids)}
    asking = matched(qrels.query_ids, number)
    queries = np.array([number.get(identifier, -1) for identifier in asking], dtype=np.int64)
    passages = finder.of(qrels.passage_ids)
    for what, key, positions, asked, ids in (
        ("queries", UNKNOWN_QUERIES, queries, qrels.query_ids, query_ids),
        ("passages", UNKNOWN_PASSAGES, passages, qrels.passage_ids, passage_ids),
    ):
        unknown = np.flatnonzero(positions < 0)
        counts.add(key, language, len(unknown))
        if 2 * len(unknown) > len(positions):
            have = f"there are ids such as {ids[0]!r}" if len(ids) else f"there are no {what}"
            raise UserError(
                f"{name}: {len(unknown)} of {len(positions)} judgments in {language} name {what} that do not exist, "
                f"such as {asked[unknown[0]]!r}, while {have}. Check that corpus, queries and qrels belong together."
            )
    known, positive = queries >= 0, qrels.grades > 0
    relevant = np.flatnonzero(known & positive & (passages >= 0))
    order = relevant[np.lexsort((passages[relevant], queries[relevant]))]
    lacking = np.flatnonzero(known & positive & (passages < 0))
    hopeless = np.flatnonzero(known & ~np.isin(queries, queries[positive]))
    unmet = np.sort(np.r_[lacking, hopeless[np.unique(queries[hopeless], return_index=True)[1]]])
    identifiers = [qrels.passage_ids[row] for row in unmet.tolist()]
    nowhere = np.full(len(unmet), -1, dtype=np.int64)
    rows = Rows(
        queries[order],
        passages[order],
        qrels.grades[order],
        Unmet(queries[unmet], identifiers, qrels.grades[unmet], nowhere),
    )
    counts.add("queries without a judgment, left out", language, len(number) - len(rows.asked))
    counts.add(LACKING, language, len(lacking))
    counts.add(SCORED_0, language, len(rows.asked) - len(np.unique(rows.queries)))
    counts.add(REPEATED, language, qrels.repeated)
    return rows
