"""The plain records that the rooms pass to each other.

Shape legend: Q questions or queries, P passages, L languages, B rows of a batch, R relevance judgments.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from hybridret.base.ids import descending_order

IntArray = NDArray[np.int64]
BoolArray = NDArray[np.bool_]
FloatArray = NDArray[np.float32]


@dataclass(frozen=True)
class Negative:
    """A hard negative: a passage text and the passage group that it belongs to (-1: no known group)."""

    text: str
    group: int = -1


@dataclass(frozen=True)
class ParallelPairs:
    """Question-passage pairs of one training dataset, aligned across languages by the question.

    `queries[l][q]` and `passages[l][q]` are the texts of question q in language l, or None where the question does not
    exist in l (both are None or neither). `passage_groups` [Q] names the passage of each question: questions that share
    a passage share the number, and so do all languages of a passage; positives of one group are never negatives of
    each other (docs/pitfalls.md#false-negatives). `weight`: batches are from the dataset in proportion to it; None: to
    its size.
    """

    name: str
    languages: tuple[str, ...]
    question_ids: tuple[str, ...]
    queries: Mapping[str, Sequence[str | None]]
    passages: Mapping[str, Sequence[str | None]]
    passage_groups: IntArray
    negatives: Mapping[str, Sequence[tuple[Negative, ...]]] = field(default_factory=dict)
    weight: float | None = None

    def __len__(self) -> int:
        return len(self.question_ids)

    @cached_property
    def present(self) -> BoolArray:
        """[Q, L]: whether question q exists in language l (column order: `languages`)."""
        columns = [[text is not None for text in self.queries[language]] for language in self.languages]
        return np.array(columns, dtype=bool).reshape(len(self.languages), len(self)).T


@dataclass(frozen=True)
class Batch:
    """One global training batch as indices into one `ParallelPairs`: all processes hold the same one.

    Row b pairs the query of question `questions[b]` in language `query_languages[b]` with its passage in
    `passage_languages[b]` (indices into `ParallelPairs.languages`). `kind` is what was drawn: en_en, x_x, mono, cross.
    """

    step: int
    kind: str
    dataset: int
    questions: IntArray
    query_languages: IntArray
    passage_languages: IntArray

    def __len__(self) -> int:
        return len(self.questions)


def _no_rows() -> IntArray:
    return np.zeros(0, dtype=np.int64)


@dataclass(frozen=True)
class Unmet:
    """Judgments [M] that no ranking of the corpus can satisfy, but that count in the metrics, as in trec_eval.

    There are two kinds. A relevant passage that the corpus lacks counts in R and is never found. A query whose
    judgments are all not relevant (grade 0 or below) scores 0 and stays in the mean. `queries` [M] and `languages` [M]
    of the passages are indices; language -1 is unknown, and counts only in the pool of all languages.
    """

    queries: IntArray = field(default_factory=_no_rows)
    passage_ids: Sequence[str] = ()
    grades: IntArray = field(default_factory=_no_rows)
    languages: IntArray = field(default_factory=_no_rows)

    def __len__(self) -> int:
        return len(self.queries)


@dataclass(frozen=True)
class Collection:
    """Queries, passages and qrels of one benchmark in one or more languages, as integer arrays.

    `query_languages` [Q] and `passage_languages` [P] index `languages`. `questions` [Q] is the cluster of a query: all
    translations of one question share it (the unit of significance tests). The judgments are parallel arrays [R], in
    the order of the queries: `relevant_queries`, `relevant_passages`, `grades` (> 0), and beside them `unmet`. Ids are
    strings and unique.

    The texts and ids of passages may be sequences that read from disk: take slices of them, never all at once. The
    passages of a language that is too large for full ranks are contiguous.
    """

    name: str
    languages: tuple[str, ...]
    query_ids: Sequence[str]
    queries: Sequence[str]
    query_languages: IntArray
    questions: IntArray
    passage_ids: Sequence[str]
    passages: Sequence[str]
    passage_languages: IntArray
    relevant_queries: IntArray
    relevant_passages: IntArray
    grades: IntArray
    contexts: Sequence[str] | None = None  # second text of a pair with the passage, e.g. the paragraph of a sentence
    notes: Mapping[str, str] = field(default_factory=dict)  # shown in reports: splitter, in-domain warning, counts
    settings: tuple[str, ...] | None = None  # the ones that it is made for; None: all that have judgments
    group: str = ""  # the set that it is a part of, where values are averaged over collections (cqadupstack of BEIR)
    drop_identical: bool = False  # a passage with the id of the query is no hit (arguana and quora of BEIR)
    fingerprint: str = ""  # of the passage texts, as a key of caches; set where hashing them again would take long
    unmet: Unmet = field(default_factory=Unmet)
    topics: Sequence[str] | None = None  # [Q] the article that each question is about, "" for none

    @cached_property
    def tie_order(self) -> IntArray:
        """[P]: position of each passage when ids are sorted DESCENDING, trec_eval's order among equal scores."""
        return descending_order(self.passage_ids)


@dataclass(frozen=True)
class Hits:
    """The best passages of q queries, best first: `passages` [q, k] are indices into the collection, -1 after the last
    hit; `scores` [q, k] fp32 are -inf there. Equal scores are in trec_eval's order, by passage id descending."""

    passages: IntArray
    scores: FloatArray
