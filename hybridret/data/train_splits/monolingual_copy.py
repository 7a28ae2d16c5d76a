"""The prepared copy of judged questions that exist in one language each: one dataset with several languages.

One dataset, because a dataset is drawn in proportion to its size, and a language uniformly within it
(docs/strategies.md). A file of a language has no text in the rows of the other ones, which costs eight bytes a row.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain, repeat
from pathlib import Path
from typing import Any

import numpy as np

from hybridret.base.errors import UserError
from hybridret.base.progress import Progress
from hybridret.base.records import BoolArray, IntArray, Negative, ParallelPairs
from hybridret.data.judged_pairs import JudgedPairs, held_out_pairs, passage_groups
from hybridret.data.mix import joined_pairs
from hybridret.data.passage_groups import warn_of_a_large_group
from hybridret.data.prepared.folder import VALIDATION
from hybridret.data.prepared.shards import Shards
from hybridret.data.prepared.stored_pairs import write_about, write_negatives, write_pairs
from hybridret.data.prepared.stored_texts import StoredTexts, write_texts
from hybridret.data.train_splits.judged_language import JudgedLanguage, Limits, check_lost

ADVICE = "Set data.positives=1 to take one passage for each question."
MONOLINGUAL = "each in one language: mono batches draw them, cross batches skip them"


@dataclass(frozen=True)
class _Part:
    """A language with its rows in the files of the dataset: `queries` and `passages` are sorted ids, which begin at the
    rows `first_query` and `first_passage`.
    """

    judged: JudgedLanguage
    queries: list[str]
    passages: list[str]
    first_query: int
    first_passage: int

    def pairs(self) -> Iterator[tuple[int, int]]:
        """Rows of query and passage of each relevant judgment, sorted by their ids."""
        row = {identifier: number for number, identifier in enumerate(self.passages, self.first_passage)}
        for number, query in enumerate(self.queries, self.first_query):
            yield from ((number, row[passage]) for passage in sorted(self.judged.positives[query]))


class MonolingualCopy:
    """Writes one dataset into the folder `below` of `shards`, and keeps what is held out in memory."""

    def __init__(self, name: str, below: str, languages: Sequence[JudgedLanguage], limits: Limits) -> None:
        self.name, self._below, self._limits = name, below, limits
        self._parts: list[_Part] = []
        queries = passages = 0
        for judged in languages:
            needed = {*chain(*judged.positives.values()), *chain(*judged.negatives.values())}
            part = _Part(judged, sorted(judged.queries), sorted(needed), queries, passages)
            self._parts.append(part)
            queries, passages = queries + len(part.queries), passages + len(part.passages)
        self._queries, self._passages = queries, passages

    def write(self, shards: Shards, progress: Progress) -> tuple[ParallelPairs, dict[str, Any]]:
        """Write the dataset, and return the pairs that are held out, and counts for the run record.

        Raises UserError naming the files where a language lacks more than one percent of the passages that are judged
        relevant, and where nothing would be left to train on.
        """
        counts = {part.judged.language: self._write_texts(part, shards, progress) for part in self._parts}
        texts = {
            part.judged.language: StoredTexts(self._file(shards, f"passages.{part.judged.language}.arrow"))
            for part in self._parts
        }
        present = np.concatenate(
            [texts[part.judged.language].present[_rows_of(part)] for part in self._parts] or [np.zeros(0, bool)]
        )
        pairs, spoken = self._pairs(present)
        languages = [part.judged.language for part in self._parts]
        if self._limits.negatives:
            for number, part in enumerate(self._parts):
                rows = self._negatives(part, pairs, spoken == number, texts[part.judged.language], present)
                counts[part.judged.language]["negatives"] = sum(map(len, rows))
                shards.file(
                    f"{self._below}/negatives.{part.judged.language}.arrow",
                    lambda path, rows=rows: write_negatives(path, rows),  # type: ignore[misc]
                )
        folder = shards.folder / self._below
        pairs.write(folder, ~pairs.held_out, shards, self._question_name)
        write_about(folder, self.name, languages, languages if self._limits.negatives else ())
        for number, language in enumerate(languages):
            counts[language] |= _counted(pairs, spoken == number)
            found = counts[language]
            warn_of_a_large_group(f"{self.name} in {language}", found["largest_group"], found["pairs"], ADVICE)
        return self._held_out(pairs, spoken, texts), counts

    def _file(self, shards: Shards, name: str) -> Path:
        return shards.folder / self._below / name

    def _write_texts(self, part: _Part, shards: Shards, progress: Progress) -> dict[str, Any]:
        """Write the queries and the passages of a language, and return counts of the judgments that are lost."""
        judged = part.judged
        queries = [judged.queries[query] for query in part.queries]
        padded = _padded(queries, part.first_query, self._queries)
        shards.file(f"{self._below}/queries.{judged.language}.arrow", lambda path: {"rows": write_texts(path, padded)})

        def write(path: Path) -> dict[str, Any]:
            task = f"read the passages of {self.name} in {judged.language}"
            with progress.task(task, judged.passages.size) as advance:
                found = judged.passages.read(part.passages, advance)
            texts = [found.get(passage) or None for passage in part.passages]
            write_texts(path, _padded(texts, part.first_passage, self._passages))
            relevant = list(chain(*judged.positives.values()))
            lost = sorted(one for one in relevant if one not in found or found[one] == "")
            other = sum(found.get(one, "") is None for one in relevant)
            return {"relevant": len(relevant), "lost": len(lost), "other_language": other, "examples": lost[:1]}

        counts = shards.file(f"{self._below}/passages.{judged.language}.arrow", write)
        lost, other = counts["lost"], counts["other_language"]
        what = f"name passages in {judged.language} that are missing or empty"
        check_lost(lost, counts["relevant"] - other, what, counts["examples"], judged.files)
        found = {"unknown_questions": judged.unknown, "lost_passages": lost, "passages_in_another_language": other}
        return {name: count for name, count in found.items() if count}

    def _pairs(self, present: BoolArray) -> tuple[JudgedPairs, IntArray]:
        """The pairs whose passage is there, and [n]: the number of their language."""
        rows = np.array([pair for part in self._parts for pair in part.pairs()], dtype=np.int64).reshape(-1, 2)
        rows = rows[present[rows[:, 1]]]
        queries, passages = rows[:, 0], rows[:, 1]
        groups = np.unique(passage_groups(queries, passages), return_inverse=True)[1].astype(np.int64)
        starts = np.array([part.first_query for part in self._parts])
        spoken = np.searchsorted(starts, queries, side="right") - 1
        held_out = np.zeros(len(rows), dtype=bool)
        for number, part in enumerate(self._parts):
            own = np.flatnonzero(spoken == number)
            if not len(own):
                raise UserError(
                    f"{part.judged.files}: no question in {part.judged.language} has a relevant passage in this "
                    f"language. Leave the language out."
                )
            local = np.unique(groups[own], return_inverse=True)[1]
            chosen = held_out_pairs(queries[own], local, self._limits.validation, self._query_name)
            if chosen.all():
                raise UserError(
                    f"data.validation_questions={self._limits.validation}: {self.name} has only {len(own)} pairs in "
                    f"{part.judged.language}, in {int(local.max()) + 1} groups that share no passage, and nothing "
                    f"would be left to train on. Lower it, or set data.positives=1, or leave the language out."
                )
            held_out[own] = chosen
        numbers = np.arange(self._queries), np.arange(self._passages)
        return JudgedPairs(*numbers, queries, passages, groups, held_out), spoken

    def _negatives(
        self, part: _Part, pairs: JudgedPairs, own: BoolArray, texts: StoredTexts, present: BoolArray
    ) -> list[tuple[Negative, ...]]:
        """The hard negatives of each training pair; () in other languages. Passages of validation pairs are left out:
        they are not trained on.
        """
        group = np.full(self._passages, -1, dtype=np.int64)
        group[pairs.passage_rows] = pairs.groups
        unseen = np.zeros(self._passages, dtype=bool)
        unseen[pairs.passage_rows[pairs.held_out]] = True
        row = {identifier: number for number, identifier in enumerate(part.passages, part.first_passage)}
        of_query: dict[int, tuple[Negative, ...]] = {}
        found: list[tuple[Negative, ...]] = []
        for pair in np.flatnonzero(~pairs.held_out).tolist():
            if not own[pair]:
                found.append(())
                continue
            query = int(pairs.query_rows[pair])
            if query not in of_query:
                names = part.judged.negatives.get(part.queries[query - part.first_query], ())
                rows = [row[name] for name in names]
                of_query[query] = tuple(
                    Negative(str(texts[one]), int(group[one])) for one in rows if present[one] and not unseen[one]
                )
            found.append(of_query[query])
        return found

    def _held_out(self, pairs: JudgedPairs, spoken: IntArray, texts: dict[str, StoredTexts]) -> ParallelPairs:
        rows = np.flatnonzero(pairs.held_out)
        asked: dict[str, list[str | None]] = {}
        answers: dict[str, list[str | None]] = {}
        for number, part in enumerate(self._parts):
            language = part.judged.language
            own = spoken[rows] == number
            asked[language] = [
                part.judged.queries[self._query_name(query)] if mine else None
                for query, mine in zip(pairs.query_rows[rows].tolist(), own.tolist(), strict=True)
            ]
            answers[language] = texts[language].take(pairs.passage_rows[rows])  # None in the rows of other languages
        ids = zip(pairs.query_rows[rows].tolist(), pairs.passage_rows[rows].tolist(), strict=True)
        names = tuple(self._question_name(*one) for one in ids)
        return ParallelPairs(VALIDATION, tuple(asked), names, asked, answers, pairs.groups[rows])

    def _part_of(self, query: int) -> _Part:
        return next(part for part in reversed(self._parts) if part.first_query <= query)

    def _query_name(self, query: int) -> str:
        part = self._part_of(query)
        return part.queries[query - part.first_query]

    def _question_name(self, query: int, passage: int) -> str:
        part = self._part_of(query)
        return f"{part.judged.language}-{self._query_name(query)}-{part.passages[passage - part.first_passage]}"


def write_validation(folder: Path, parts: Mapping[str, ParallelPairs]) -> None:
    """Write the held-out pairs of datasets, by name, as one. A folder that a killed process left is replaced."""
    shutil.rmtree(folder / VALIDATION, ignore_errors=True)
    write_pairs(folder / VALIDATION, joined_pairs(parts) if len(parts) > 1 else next(iter(parts.values())))


def _padded(texts: Sequence[str | None], first: int, rows: int) -> Iterator[str | None]:
    """`rows` texts, of which those from `first` on are `texts`, and the others None."""
    return chain(repeat(None, first), texts, repeat(None, rows - first - len(texts)))


def _rows_of(part: _Part) -> slice:
    return slice(part.first_passage, part.first_passage + len(part.passages))


def _counted(pairs: JudgedPairs, own: BoolArray) -> dict[str, int]:
    """Counts of the pairs where `own` [n] is true, for the run record."""
    return {
        "pairs": int(own.sum()),
        "questions": len(np.unique(pairs.query_rows[own])),
        "passages": len(np.unique(pairs.passage_rows[own])),
        "groups": len(np.unique(pairs.groups[own])),
        "largest_group": int(np.bincount(pairs.groups[own]).max(initial=0)),
        "validation_pairs": int((pairs.held_out & own).sum()),
    }
