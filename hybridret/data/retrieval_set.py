"""Published retrieval data to a `Collection`: ids become positions, and inconsistent data is detected.

The join streams over the ids of the corpus, a slice at a time; except for 8 bytes per passage to detect repeated ids,
memory grows with the judgments only.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import accumulate, chain

import numpy as np

from hybridret.base.errors import UserError
from hybridret.base.ids import first_repeated
from hybridret.base.languages import check_language
from hybridret.base.records import Collection, IntArray, Unmet
from hybridret.data.columns import Column
from hybridret.data.joining import Counts, Finder, join
from hybridret.data.qrels import Qrels

PREFIXED = "ids"  # title of the note that ids are LANGUAGE:ID


@dataclass(frozen=True)
class Part:
    """The data of one language: Q queries, P passages, and judgments by their ids.

    `questions` [Q]: the cluster of each query, the same number for translations of one question in all parts; None: the
    queries are not translations of each other. Passages and their ids may be sequences on disk.
    """

    language: str
    query_ids: Sequence[str]
    queries: Sequence[str]
    passage_ids: Sequence[str]
    passages: Sequence[str]
    qrels: Qrels
    questions: IntArray | None = None


def collection_of(
    name: str,
    parts: Sequence[Part],
    notes: Mapping[str, str],
    settings: tuple[str, ...] | None = None,
    drop_identical: bool = False,
    fingerprint: str = "",
    across: bool = False,
) -> Collection:
    """One collection of all parts; the passages of a language are contiguous, in the order of the parts.

    Queries without a judgment are left out. Grades of 0 and below are not relevant; a query without a relevant passage
    scores 0, and relevant passages that the corpus lacks count in R, as in trec_eval (`records.Unmet`). If two parts
    share an id, all ids become LANGUAGE:ID, with a note (`published_id` undoes it).

    settings, drop_identical, fingerprint: as in `Collection`.
    across: judgments may name passages of any part, and the parts must not share ids; otherwise only passages of their
        own part. The language of a passage that no part has is then unknown, unless all passages are in one language.

    The notes contain these counts, if not 0: judgments of unknown queries and passages, repeated judgments, queries
    without judgment or relevant passage, empty queries and passages.

    Raises UserError for repeated ids (naming both positions), if more than half of the judgments name unknown ids, and
    if no passage is relevant.
    """
    if not parts or len({part.language for part in parts}) < len(parts):
        raise ValueError("one part for each language")
    parts = [replace(part, language=check_language(part.language, name)) for part in parts]
    finders = _finders(parts, across)
    hashed = []
    for part, finder, first in zip(parts, finders, _ends(parts), strict=False):
        hashed.append(finder.look_through(part.passage_ids, first))
        _check_repeated(part.passage_ids, hashed[-1], f"{name}: the passages in {part.language}")
        _check_repeated(part.query_ids, None, f"{name}: the queries in {part.language}")
    meeting = _meeting(parts, np.concatenate(hashed))
    if across and meeting:
        raise UserError(f"{name}: {meeting}, but their judgments are joined by id. Give every row an id of its own.")
    counts = Counts([part.language for part in parts])
    joined = []
    for part, finder in zip(parts, finders, strict=True):
        counts.add("empty queries", part.language, _count_blank(part.queries))
        counts.add("empty passages", part.language, _count_blank(part.passages))
        joined.append(join(name, part.language, part.qrels, part.query_ids, part.passage_ids, finder, counts))
    kept = [rows.asked for rows in joined]
    if not any(len(rows.queries) for rows in joined):
        raise UserError(
            f"{name}: no query has a relevant passage in the corpus ({counts.text()}). Check that corpus, queries and "
            f"qrels belong to each other."
        )
    prefixes = [f"{part.language}:" if meeting else "" for part in parts]
    remarks = {PREFIXED: f"LANGUAGE:ID, because {meeting}"} if meeting else {}
    asked = [len(positions) for positions in kept]
    before = np.cumsum([0, *asked])
    plain = [""] * len(parts)
    holding = [position for position, part in enumerate(parts) if len(part.passage_ids)]
    only = holding[0] if len(holding) == 1 else -1
    if across and only < 0 and any(len(rows.unmet) for rows in joined):
        remarks["language of passages not in the corpus"] = "not known: they count in the multilingual setting alone"
    return Collection(
        name=name,
        languages=tuple(part.language for part in parts),
        query_ids=_taken([part.query_ids for part in parts], kept, prefixes),
        queries=_taken([part.queries for part in parts], kept, plain),
        query_languages=np.repeat(np.arange(len(parts)), asked),
        questions=_questions(parts, kept),
        passage_ids=_chained([part.passage_ids for part in parts], prefixes),
        passages=_chained([part.passages for part in parts], plain),
        passage_languages=np.repeat(np.arange(len(parts)), [len(part.passage_ids) for part in parts]),
        relevant_queries=np.concatenate(
            [np.searchsorted(kept[i], rows.queries) + before[i] for i, rows in enumerate(joined)]
        ),
        relevant_passages=np.concatenate([rows.passages for rows in joined]),
        grades=np.concatenate([rows.grades for rows in joined]),
        notes={**notes, **counts.notes(), **remarks},
        settings=settings,
        drop_identical=drop_identical,
        fingerprint=fingerprint,
        unmet=Unmet(
            np.concatenate([np.searchsorted(kept[i], rows.unmet.queries) + before[i] for i, rows in enumerate(joined)]),
            [prefixes[i] + identifier for i, rows in enumerate(joined) for identifier in rows.unmet.passage_ids],
            np.concatenate([rows.unmet.grades for rows in joined]),
            np.repeat([only if across else i for i in range(len(parts))], [len(rows.unmet) for rows in joined]),
        ),
    )


def published_id(collection: Collection, identifier: str) -> str:
    """The publisher's id of a query or passage, without the prefix LANGUAGE: if the collection has prefixes."""
    return identifier.split(":", 1)[1] if PREFIXED in collection.notes else identifier


def _finders(parts: Sequence[Part], across: bool) -> list[Finder]:
    if across:
        return [Finder(chain.from_iterable(part.qrels.passage_ids for part in parts))] * len(parts)
    return [Finder(part.qrels.passage_ids) for part in parts]


def _ends(parts: Sequence[Part]) -> list[int]:
    """The first passage of each part, and the number of all passages."""
    return [0, *accumulate(len(part.passage_ids) for part in parts)]


def _check_repeated(ids: Sequence[str], hashed: IntArray | None, what: str) -> None:
    if found := first_repeated(ids, hashed):
        raise UserError(
            f"{what}: id {ids[found[0]]!r} stands twice, in rows {found[0] + 1} and {found[1] + 1}, so judgments of it "
            f"have two meanings. Give every row an id of its own."
        )


def _meeting(parts: Sequence[Part], hashed: IntArray) -> str:
    """An id that two parts share, "" if there is none; within a part all ids differ."""
    if len(parts) == 1:
        return ""
    passages = _chained([part.passage_ids for part in parts], [""] * len(parts))
    queries = list(chain.from_iterable(part.query_ids for part in parts))
    query_ends = list(accumulate(len(part.query_ids) for part in parts))
    for ids, known, ends, what in (
        (passages, hashed, _ends(parts)[1:], "passages"),
        (queries, None, query_ends, "queries"),
    ):
        if found := first_repeated(ids, known):
            codes = [parts[bisect_right(ends, position)].language for position in found]
            return f"{what} in {codes[0]} and in {codes[1]} have the same id {ids[found[0]]!r}"
    return ""


def _count_blank(texts: Sequence[str]) -> int:
    return texts.count_blank() if isinstance(texts, Column) else sum(not text.strip() for text in texts)


def _taken(columns: Sequence[Sequence[str]], kept: Sequence[IntArray], prefixes: Sequence[str]) -> list[str]:
    """The kept rows of all columns, one after the other, in memory, because queries are few."""
    texts: list[str] = []
    for column, positions, prefix in zip(columns, kept, prefixes, strict=True):
        found = (
            column.take(positions)
            if isinstance(column, Column)
            else [column[position] for position in positions.tolist()]
        )
        texts += [prefix + text for text in found]
    return texts


def _chained(columns: Sequence[Sequence[str]], prefixes: Sequence[str]) -> Sequence[str]:
    """All columns one after the other; those on disk stay on disk."""
    if len(columns) == 1 and not prefixes[0]:
        return columns[0]
    if any(isinstance(column, Column) for column in columns):
        return Column.of_parts(columns, prefixes)
    return [prefix + text for column, prefix in zip(columns, prefixes, strict=True) for text in column]


def _questions(parts: Sequence[Part], kept: Sequence[IntArray]) -> IntArray:
    """Clusters of the kept queries, numbered without gaps."""
    given = [
        part.questions[positions] for part, positions in zip(parts, kept, strict=True) if part.questions is not None
    ]
    if not given:
        return np.arange(sum(map(len, kept)))
    if len(given) < len(parts):
        raise ValueError("clusters of questions for some parts and not for others")
    numbered: IntArray = np.unique(np.concatenate(given), return_inverse=True)[1].astype(np.int64)
    return numbered
