"""Common parts of MIRACL and Mr.TyDi: queries are judged in their own language only, languages are read one by one, and
the counts are compared with the published ones."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from hybridret.base.errors import UserError, nearest, refusals
from hybridret.base.files import hash_json
from hybridret.base.records import Collection
from hybridret.data.arrow_table import numbers_read, read_table, table_fingerprint
from hybridret.data.benchmarks.published import Compared, checked_name
from hybridret.data.columns import Column
from hybridret.data.fields import NUMBERS, probed_fields, unread, warn_unread
from hybridret.data.hub import fetch
from hybridret.data.parsing import Required
from hybridret.data.qrels import read_qrels, read_topics
from hybridret.data.retrieval_set import Part, collection_of

MONOLINGUAL, MULTILINGUAL = SETTINGS = ("monolingual", "multilingual")


@dataclass(frozen=True)
class LanguageFiles:
    """The files of one language. `corpus`, and `queries` if they are rows too: the files of a table.

    topics: lines `qid TAB query`; qrels: TREC's, or parquet. fields: the id of a passage, then its text fields.
    """

    qrels: Path
    corpus: Sequence[Path]
    fields: tuple[str, ...]
    topics: Path | None = None
    queries: Sequence[Path] = ()


@dataclass(frozen=True)
class LanguageData:
    """The data of one language: `tables` are the corpus and the queries, if these were a table. `unread`: fields in
    their rows that are not read, each with the most similar known field."""

    part: Part
    tables: tuple[Any, ...]
    unread: Mapping[str, str]


def checked_settings(key: str, settings: Sequence[str] | None) -> tuple[str, ...]:
    """`settings`, or monolingual for None. Raises UserError for a setting that the judgments do not allow."""
    if settings is None:
        return (MONOLINGUAL,)
    for setting in settings:
        if setting == "cross-lingual":
            raise UserError(
                f"{key}.settings: no query has a judged passage in another language, so there is nothing cross-lingual "
                f"to measure. Choose from {', '.join(SETTINGS)}."
            )
        if setting not in SETTINGS:
            raise UserError(f"{key}.settings: no setting {setting!r}. {nearest(setting, SETTINGS)}")
    if not settings:
        raise UserError(f"{key}.settings is empty: choose from {', '.join(SETTINGS)}.")
    return tuple(dict.fromkeys(settings))


def fetch_all(wanted: Sequence[tuple[str, Sequence[str], str]], path: str | None, key: str) -> list[Path]:
    """`fetch` for several repositories (name, files, revision). Raises one UserError with the commands for all."""
    folders, errors = [], []
    for repo, files, revision in wanted:
        try:
            folders.append(fetch(repo, files, revision, path, key))
        except UserError as error:
            errors.append(str(error))
    if errors:
        raise UserError(" ".join(errors))
    return folders


def files_of(
    languages: Sequence[str],
    files: Callable[[Sequence[str]], dict[str, LanguageFiles]],
    path: str | None,
    key: str,
) -> dict[str, LanguageFiles]:
    """`files(languages)`; its UserError about missing files also names the languages that are complete."""
    try:
        return files(languages)
    except UserError as error:
        here = [one for one in languages if path is not None and not refusals(partial(files, [one]))]
        if not here:
            raise
        raise UserError(f"{error} The folder has {', '.join(here)}: {key}.languages=[{','.join(here)}].") from error


def read_language(language: str, files: LanguageFiles, what: str) -> LanguageData:
    """Read one language; its passages stay on disk. `what`: the benchmark, in messages.

    Raises UserError naming file and line for malformed data.
    """
    qrels = read_qrels(files.qrels, "trec")
    own, *texts = files.fields
    tables = []
    ids: Sequence[str]
    queries: Sequence[str]
    if files.topics is not None:
        ids, queries = read_topics(files.topics)
    else:
        asked = read_table(files.queries, {own: True, "text": True}, f"the queries of {what} in {language}")
        ids, queries = Column(asked, (own,), strip=False), Column(asked, ("text",))
        tables.append(asked)
    columns: dict[str, Required] = {own: True, **{name: name != "title" for name in texts}}
    if "title" in texts:
        columns["text"] = "title"  # a passage may have a title only
    corpus = read_table(files.corpus, columns, f"the corpus of {what} in {language}")
    passages = Column(corpus, tuple(texts))
    part = Part(language, ids, queries, Column(corpus, (own,), strip=False), passages, qrels)
    unknown = unread(probed_fields(files.corpus[0]), files.fields)
    if files.queries:
        unknown |= unread(probed_fields(files.queries[0]), (own, "text"))
    return LanguageData(part, (corpus, *tables), unknown)


def monolingual_collection(
    name: str,
    data: Sequence[LanguageData],
    notes: Mapping[str, str],
    settings: tuple[str, ...],
    queries: Mapping[str, int],
    passages: Mapping[str, int],
    key: str,
    allow_other: bool,
) -> Collection:
    """One collection of all languages. `queries` and `passages`: the published numbers by language.

    Raises UserError if the numbers differ, unless `allow_other`: then its name is NAME_other, with a note on them.
    """
    parts = [one.part for one in data]
    notes = dict(notes)
    if MULTILINGUAL in settings:
        notes["multilingual"] = "passages of other languages are unjudged, and none of them counts as relevant"
    compared = [
        Compared("queries", {part.language: len(part.query_ids) for part in parts}, queries),
        Compared("passages", {part.language: len(part.passage_ids) for part in parts}, passages),
    ]
    name, other = checked_name(name, compared, key, allow_other, f"{key}.path")
    notes |= other
    if numbers := sum(numbers_read(table) for one in data for table in one.tables):
        notes[NUMBERS] = str(numbers)
    unknown = {field: near for one in data for field, near in one.unread.items()}
    notes |= warn_unread(unknown, f"the files of {name}")
    for part in parts:
        for what, note in part.qrels.notes().items():
            notes[what] = note  # all files have the same publisher, so the note is the same
    fingerprint = hash_json([[one.part.language, table_fingerprint(one.tables[0])] for one in data], 32)
    return collection_of(name, parts, notes, settings, fingerprint=fingerprint)
