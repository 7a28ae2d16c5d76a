"""A user's own data in BEIR's layout, in one language or in several.

Rows of corpus.jsonl and queries.jsonl may have a field `language`; queries may have a field `question`, an id that
translations of one question share. With these fields the monolingual, cross-lingual and multilingual settings work as
on published benchmarks.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from hybridret.base.errors import UserError, refusals
from hybridret.base.files import hash_json
from hybridret.base.languages import check_language
from hybridret.base.records import Collection, IntArray
from hybridret.data.beir_layout import CORPUS, BeirData, read_beir
from hybridret.data.beir_location import elsewhere, holds_set, zipped
from hybridret.data.benchmarks.published import is_published
from hybridret.data.columns import Column
from hybridret.data.joining import REPEATED, UNKNOWN_QUERIES, matched
from hybridret.data.qrels import Qrels
from hybridret.data.retrieval_set import Part, collection_of
from hybridret.data.source import PairSource

FIELDS = ("language", "question")
NONE: IntArray = np.zeros(0, dtype=np.int64)


class Folder:
    """One collection, called `name`, which must not be the name of a published set.

    path: the folder with corpus.jsonl (_id, title, text, language), queries.jsonl (_id, text, language, question) and
    qrels/SPLIT.tsv, each plain or .gz, or a .zip of this folder. Rows may lack title, language and question.
    split: split of the judgments; unless it is test, the name contains it: NAME_dev.
    language: the language of rows without the field `language`.
    drop_identical: a passage with the id of the query is no hit, for data in which queries are also passages.
    """

    def __init__(
        self,
        path: str,
        name: str = "folder",
        split: str = "test",
        language: str = "en",
        drop_identical: bool = False,
    ) -> None:
        if not str(name).strip():
            raise UserError("eval.folder.name is empty: give your data a name for tables and files, or leave it out.")
        if is_published(name):
            raise UserError(
                f"eval.folder.name={name} is the name of a published set: choose another for your own data."
            )
        self._path = path
        self._name = name if split == "test" else f"{name}_{split}"
        self._split = split
        self._language = check_language(language, "eval.folder.language")
        self._drop_identical = drop_identical

    def collections(self, source: PairSource | None) -> tuple[Collection, ...]:
        """Raises UserError for missing or malformed files, ids that occur twice, and judgments of unknown ids."""
        data = read_beir(self._folder(), self._split, self._name, "eval.folder", FIELDS)
        data, counts = self._of_known_queries(data)
        collection = collection_of(
            self._name,
            self._parts(data),
            {"split": self._split, **data.notes(), **counts},
            drop_identical=self._drop_identical,
            fingerprint=hash_json([data.fingerprint(), self._language], 32),
            across=True,
        )
        return (collection,)

    def missing(self) -> list[str]:
        return refusals(partial(self._folder, unpack=False))

    def published(self) -> tuple[int, int] | None:
        return None

    def _folder(self, unpack: bool = True) -> Path:
        folder = Path(self._path).expanduser()
        if folder.is_file():
            return zipped(folder, unpack=unpack)
        if not folder.is_dir():
            raise UserError(
                f"eval.folder.path: there is no folder {folder}. Give one in BEIR's layout: corpus.jsonl, ..."
            )
        if not holds_set(folder) and (hint := elsewhere(folder, "eval.folder.path", [""])):
            raise UserError(f"eval.folder.path: {folder} has no {CORPUS}.{hint}")
        return folder

    def _of_known_queries(self, data: BeirData) -> tuple[BeirData, dict[str, str]]:
        """The data without judgments of unknown queries, which have no language; and notes on the omitted ones."""
        known = set(Column(data.queries, ("_id",), strip=False))
        qrels = replace(data.qrels, query_ids=matched(data.qrels.query_ids, known))
        rows = np.array([identifier in known for identifier in qrels.query_ids])
        unknown = np.flatnonzero(~rows)
        if 2 * len(unknown) > len(rows):
            raise UserError(
                f"{self._name}: {len(unknown)} of {len(rows)} judgments name queries that do not exist, such as "
                f"{qrels.query_ids[unknown[0]]!r}. Check that queries.jsonl and qrels belong together."
            )
        counts = {UNKNOWN_QUERIES: len(unknown), REPEATED: qrels.repeated}
        notes = {what: str(count) for what, count in counts.items() if count}
        return replace(data, qrels=_of(qrels, np.flatnonzero(rows))), notes

    def _parts(self, data: BeirData) -> list[Part]:
        """The data of each language; a judgment belongs to the language of its query."""
        spoken = self._languages(data.corpus, "corpus.jsonl")
        asked = self._languages(data.queries, "queries.jsonl")
        whole = data.part(self._language)
        questions = _questions(whole.query_ids, data.queries)
        number = {identifier: row for row, identifier in enumerate(whole.query_ids)}
        rows = np.array([number[identifier] for identifier in data.qrels.query_ids], dtype=np.int64)
        languages = sorted({*spoken, *asked})
        if len(languages) == 1:
            return [replace(whole, language=languages[0], questions=questions)]
        judged = _numbers(asked, languages)[rows]
        parts = []
        for position, language in enumerate(languages):
            queries = asked.get(language, NONE)
            own = BeirData(
                data.corpus.select(spoken.get(language, NONE)),
                data.queries.select(queries),
                _of(data.qrels, np.flatnonzero(judged == position)),
            )
            parts.append(replace(own.part(language), questions=questions[queries]))
        return parts

    def _languages(self, table: Any, file: str) -> dict[str, IntArray]:
        """The row numbers of each language, ascending; no text is read."""
        import pyarrow.compute as compute

        column = table.select_columns(["language"]).with_format("arrow")[:].column("language")
        coded = compute.dictionary_encode(column).combine_chunks()
        names = [name or self._language for name in coded.dictionary.to_pylist()]
        codes = coded.indices.to_numpy()
        forms = [check_language(name, f"eval.folder: language in {file}") for name in names]
        return {
            form: np.flatnonzero(np.isin(codes, [code for code, other in enumerate(forms) if other == form]))
            for form in dict.fromkeys(forms)
        }


def _numbers(rows: dict[str, IntArray], languages: list[str]) -> IntArray:
    """The index in `languages` of each row."""
    numbers = np.empty(sum(map(len, rows.values())), dtype=np.int64)
    for language, positions in rows.items():
        numbers[positions] = languages.index(language)
    return numbers


def _questions(ids: Sequence[str], queries: Any) -> IntArray:
    """The question cluster of each query: by the field `question`, or by the id of the query if the row lacks it."""
    named = Column(queries, ("question",))
    number: dict[str, int] = {}
    clusters = [number.setdefault(question or own, len(number)) for question, own in zip(named, ids, strict=True)]
    return np.array(clusters, dtype=np.int64)


def _of(qrels: Qrels, rows: IntArray) -> Qrels:
    chosen = rows.tolist()
    return replace(
        qrels,
        query_ids=[qrels.query_ids[row] for row in chosen],
        passage_ids=[qrels.passage_ids[row] for row in chosen],
        grades=qrels.grades[rows],
        repeated=0,  # repetitions are counted once for the whole file
    )
