"""Mr.TyDi's train split as training pairs: the questions of TyDi QA in 11 languages (https://arxiv.org/abs/2108.08787).

Raw files of `castorini/mr-tydi` on the hub, no loading script: `mrtydi-v1.1-NAME/train.jsonl.gz`, whose rows have
`query_id`, `query`, and lists `positive_passages` and `negative_passages` of objects with `docid`, `title` and `text`.
So the corpus of 58 million passages is not needed. The negatives are hits of BM25 that nobody judged: some may be
relevant.

Verified without a connection to the hub: names of the files and the commit from the hub's own listings; the fields only
from copies of these data by others; a commit of the publisher says that some rows have no negatives. Not verified: the
bytes themselves, and the order of the negatives.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

from hybridret.base.errors import UserError, refusals
from hybridret.base.languages import chosen_languages
from hybridret.base.progress import Progress
from hybridret.base.ranges import checked
from hybridret.data.benchmarks.mr_tydi import PUBLISHED, TOPICS
from hybridret.data.columns import joined
from hybridret.data.fields import field_text, without
from hybridret.data.hub import fetch, find
from hybridret.data.lines import json_object, numbered_lines
from hybridret.data.train_splits.judged_language import (
    JudgedLanguage,
    Judgment,
    Limits,
    Negatives,
    Passages,
    Positives,
    ValidationQuestions,
    judged_language,
)
from hybridret.data.train_splits.streamed_split import probes, write_split

KEY = "data"
VERSION = 1  # of the reading: raise it when the same files would give other pairs
BENCHMARKS = ("mr_tydi", "miracl")  # both took questions of TyDi QA


class _Row(NamedTuple):
    """A question, and its passages as (id, grade, text)."""

    identifier: str
    query: str
    passages: list[tuple[str, int, str]]


@checked(KEY)
class MrTydiTrain:
    """One dataset of all languages, streamed into a prepared copy; every question exists in one of them.

    path: a folder with mrtydi-v1.1-NAME/train.jsonl.gz (arabic, bengali, ...), plain or .gz. None: the hub.
    languages: codes, in this order; None: all 11.
    validation_questions: pairs that are held out in each language, drawn by a hash of the question's id; with each pair
    all pairs that share its question or its passage are held out, too.
    positives: the largest number of pairs of a question; None: all its relevant passages.
    negatives: hard negatives of a question, the first ones of its row.
    revision: branch, tag or commit on the hub; None: the commit of the benchmark.
    """

    name = "mr_tydi"
    templated = False

    def __init__(
        self,
        path: str | None = None,
        languages: list[str] | None = None,
        validation_questions: ValidationQuestions = 100,
        positives: Positives = None,
        negatives: Negatives = 0,
        revision: str | None = None,
    ) -> None:
        self.languages = tuple(chosen_languages("data.languages", languages, tuple(PUBLISHED), "in Mr.TyDi"))
        self._path, self._revision = path, revision or TOPICS[1]
        self._limits = Limits(positives, negatives, validation_questions)

    def key(self) -> list[Any]:
        """Settings, and names, sizes, times and probes of the files. Raises UserError where one is missing."""
        limits = [self._limits.positives, self._limits.negatives, self._limits.validation]
        return ["mr_tydi train", VERSION, self.languages, limits, probes(self._files().values(), "Mr.TyDi")]

    def missing(self) -> list[str]:
        """The error message about files that are missing, with the command that fetches them; none is read."""
        return refusals(self._files)

    def licence(self) -> str:
        """Terms of the texts."""
        return "Apache-2.0; the passages are Wikipedia's (CC BY-SA)."

    def write(self, folder: Path, progress: Progress) -> dict[str, Any]:
        """Write the prepared copy into `folder`, which may hold files that an earlier process wrote whole.

        Raises UserError naming file and line for malformed files, and where more than one percent of the relevant
        passages of a language are empty.
        """
        judged = []
        for language, file in self._files().items():
            with progress.task(f"read the questions of {file.parent.name}", file.stat().st_size) as advance:
                judged.append(self._judged(language, file, advance))
        return write_split(folder, self.name, {self.name: judged}, BENCHMARKS, self._limits, progress)

    def _files(self) -> dict[str, Path]:
        names = {language: f"mrtydi-v1.1-{PUBLISHED[language].name}/train.jsonl.gz" for language in self.languages}
        folder = fetch(TOPICS[0], list(names.values()), self._revision, self._path, KEY)
        return {language: find(folder, name)[0] for language, name in names.items()}

    def _judged(self, language: str, file: Path, advance: Callable[[int], object]) -> JudgedLanguage:
        queries: dict[str, str] = {}
        judgments: list[Judgment] = []
        for row in _rows(file, advance):
            if queries.setdefault(row.identifier, row.query) != row.query:
                raise UserError(
                    f"{file}: query id {row.identifier!r} stands in two rows with different queries. Fetch the file "
                    f"again."
                )
            judgments += [(row.identifier, passage, grade) for passage, grade, _ in row.passages]
        if not queries:
            raise UserError(f"{file} holds no questions. Fetch the file again.")
        passages = Passages.of(partial(_texts, file), [file])
        return judged_language(language, queries, judgments, self._limits, passages, str(file))


def _texts(file: Path, wanted: Collection[str], advance: Callable[[int], object]) -> dict[str, str | None]:
    """The text of each passage that is `wanted` and stands in a row; the first one that is not empty."""
    chosen = set(wanted)
    found: dict[str, str | None] = {}
    for row in _rows(file, advance):
        for identifier, _, text in row.passages:
            if identifier in chosen and not found.get(identifier):
                found[identifier] = text
    return found


def _rows(file: Path, advance: Callable[[int], object]) -> Iterator[_Row]:
    """The rows of a file; `advance` gets bytes. Raises UserError naming file and line."""
    for line, raw in numbered_lines(file, advance):
        where = f"{file}, line {line}"
        row = json_object(raw, where)
        for name in ("query_id", "query", "positive_passages"):
            if row.get(name) is None:
                raise UserError(without(name, row, where))
        identifier, query = (field_text(row[name], name, where).strip() for name in ("query_id", "query"))
        if not identifier:
            raise UserError(f"{where}: 'query_id' is empty. Fetch the file again.")
        positives = _passages(row["positive_passages"], 1, f"{where}: 'positive_passages'")
        negatives = _passages(row.get("negative_passages") or [], 0, f"{where}: 'negative_passages'")
        relevant = {passage for passage, _, _ in positives}
        yield _Row(identifier, query, positives + [one for one in negatives if one[0] not in relevant])


def _passages(value: object, grade: int, where: str) -> list[tuple[str, int, str]]:
    if not isinstance(value, list) or not all(isinstance(one, dict) for one in value):
        raise UserError(f"{where} must be a list of objects with docid, title and text. Fetch the file again.")
    found = []
    for one in value:
        for name in ("docid", "text"):
            if one.get(name) is None:
                raise UserError(without(name, one, where))
        identifier, title, text = (field_text(one.get(name) or "", name, where) for name in ("docid", "title", "text"))
        found.append((identifier, grade, joined([[title], [text]])[0]))
    return found
