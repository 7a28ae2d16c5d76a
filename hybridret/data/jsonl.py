"""Parallel QA pairs from a folder of JSON Lines files, split by article into train, validation and test.

Rows: `{qid, lang, question, passage, pid, title, answer, answer_start}`, optionally `dataset`, `negatives` (texts) and
`negative_pids`. Translations of a question share `qid`, translations of a passage share `pid`. Without `pid`, passages
are identified by text and qid; without `title`, each passage is an article of its own.

Files of one family (`squad-dev.en.jsonl.gz`, `squad-dev.da.jsonl.gz`, ...) are one training dataset, other families are
datasets of their own.
"""

from __future__ import annotations

import dataclasses
import hashlib
from collections import defaultdict
from collections.abc import Iterable
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any

from annotated_types import Ge, Gt, Lt

from hybridret.base.errors import UserError, refusals
from hybridret.base.files import hash_json
from hybridret.base.languages import among, check_language, chosen_languages
from hybridret.base.range_words import Because
from hybridret.base.ranges import checked
from hybridret.base.records import Collection, ParallelPairs
from hybridret.data.arrow_table import file_probe
from hybridret.data.assemble import build_collection, build_pairs, question_key
from hybridret.data.fields import NUMBERS
from hybridret.data.partition import Partition, partition, with_passage_ids
from hybridret.data.rows import Row, find_files, read_rows
from hybridret.data.source import distinct_texts
from hybridret.data.split import Shares

VERSION = 1  # of the reading and the split: raise it when the same files would give other pairs


@checked("data")
class JsonlPairs:
    """A pair source over JSON Lines files. Files are read once, at first use.

    path: a folder of *.jsonl and *.jsonl.gz files, or one such file.
    languages: the languages, in this order; None: all languages in the files, sorted.
    files: glob patterns of file names in the folder, like 'squad-dev.*'; None: all.
    validation_share, test_share, split_seed: shares of the articles that can be held out, and the seed of their draw.
        test_share 0: no test set.
    complete_test: the test asks only questions that exist in all chosen languages, and only articles with such
        questions are held out. Their other questions are not used (`summary()` counts them).
    held_out: the datasets that are split; the others are used for training only, without rows that share an article
        with the held-out parts. None: the datasets with the most of the chosen languages.
    licence: the text about the data's licence in the report.
    ignore_pid: identify passages by qid and text only, for files whose pids are counted per language.

    Every method raises UserError for bad input, naming file and line.
    """

    templated = False

    def __init__(
        self,
        path: str | None,
        languages: list[str] | None = None,
        files: list[str] | None = None,
        validation_share: Annotated[float, Gt(0), Lt(1), Because("For example 0.1.")] = 0.1,
        test_share: Annotated[float, Ge(0), Lt(1), Because("0 is no test set; 0.3 is a good start.")] = 0.3,
        split_seed: int = 1,
        complete_test: bool = True,
        held_out: list[str] | None = None,
        name: str = "jsonl",
        licence: str = "not stated",
        ignore_pid: bool = False,
    ) -> None:
        if not path:
            raise UserError("data.path is not set: give the folder with the *.jsonl or *.jsonl.gz files of the pairs.")
        asked = None if languages is None else [check_language(language, "data.languages") for language in languages]
        if asked is not None and (not asked or len(set(asked)) < len(asked)):
            raise UserError(f"data.languages={languages} must name at least one language, and none twice.")
        if not str(name).strip():
            raise UserError("data.name is empty: give your data a name for tables and files, or leave it out.")
        self.name = name
        self._path = Path(path)
        self._files = files
        self._asked_languages = asked
        self._shares = Shares(validation_share, test_share, split_seed)
        self._complete_test = complete_test
        self._held_out = held_out
        self._licence = licence
        self._ignore_pid = ignore_pid

    def training(self) -> tuple[ParallelPairs, ...]:
        """One `ParallelPairs` per dataset that has training rows, sorted by name."""
        return self._training

    def validation(self) -> ParallelPairs:
        """All questions of the validation articles, of all split datasets together."""
        return self._validation

    def test(self) -> tuple[Collection, ...]:
        """One collection per split dataset, named like it: pool and questions of its test articles."""
        return self._test

    def texts(self) -> Iterable[str]:
        """All training queries and passages, each text once."""
        return distinct_texts(self._training)

    def key(self) -> list[Any]:
        """Settings, and names, sizes, times and probes of the files. Raises UserError where there are none."""
        files = [file_probe(file, "training pairs") for file in find_files(self._path, self._files)]
        shares = [self._shares.validation, self._shares.test, self._shares.seed]
        settings = [self._asked_languages, self._complete_test, self._held_out, self._ignore_pid, self._licence]
        return ["jsonl", VERSION, self.name, files, shares, settings]

    def articles(self) -> frozenset[str]:
        """Titles of the articles in the training part; benchmarks use them to find out whether they are in-domain."""
        return frozenset(row.title for row in self._partition.train if row.title is not None)

    def missing(self) -> list[str]:
        """One message for each missing file or group of files; reads no file."""
        return refusals(lambda: find_files(self._path, self._files))

    def licence(self) -> str:
        return self._licence

    def fingerprint(self) -> str:
        """A hash of the used rows and of their split; it does not depend on paths or on compression."""
        return self._fingerprint

    def summary(self) -> dict[str, Any]:
        """Counts of rows read, of the split and of dropped rows by reason, as JSON values (see `Partition.summary`)."""
        numbers = sum(row.numbers for row in self._rows)
        counted = {NUMBERS.replace(" ", "_"): numbers} if numbers else {}
        return {"name": self.name, **self._partition.summary(), **counted}

    @cached_property
    def _rows(self) -> list[Row]:
        rows = read_rows(find_files(self._path, self._files), self.name)
        if not rows:
            raise UserError(f"{self._path} holds no rows: the files that were read are empty.")
        if self._ignore_pid:
            rows = [_without_pids(row) for row in rows]
        return with_passage_ids(rows)

    @cached_property
    def _languages(self) -> tuple[str, ...]:
        known = {row.lang for row in self._rows}
        if self._asked_languages is None:
            return tuple(sorted(known))
        found = {language: among(language, sorted(known)) for language in self._asked_languages}
        absent = [language for language, one in found.items() if one is None]
        if absent:
            raise UserError(
                f"data.languages asks for {', '.join(absent)}, but the files read from {self._path} have only "
                f"{', '.join(sorted(known))}. Choose among these, or widen data.files."
            )
        return tuple(chosen_languages("data.languages", self._asked_languages, sorted(known)))

    @cached_property
    def _partition(self) -> Partition:
        return partition(self._rows, self._languages, self._held_out, self._shares, self._complete_test)

    @cached_property
    def _training(self) -> tuple[ParallelPairs, ...]:
        of_dataset: defaultdict[str, list[Row]] = defaultdict(list)
        for row in self._partition.train:
            of_dataset[row.dataset].append(row)
        return tuple(build_pairs(name, self._languages, rows) for name, rows in sorted(of_dataset.items()))

    @cached_property
    def _validation(self) -> ParallelPairs:
        return build_pairs("validation", self._languages, self._partition.validation)

    @cached_property
    def _test(self) -> tuple[Collection, ...]:
        complete = self._partition.complete
        return tuple(
            build_collection(name, self._languages, pool, complete, self._notes(name))
            for name, pool in self._partition.pools.items()
        )

    def _notes(self, name: str) -> dict[str, str]:
        articles = self._partition.articles
        numbers = sum(row.numbers for row in self._rows if row.dataset == name)
        left = len({question_key(row) for row in self._partition.incomplete if row.dataset == name})
        return {
            "split": f"by article, seed {self._shares.seed}: {articles['train']} train, {articles['validation']} "
            f"validation, {articles['test']} test; {articles['eligible']} of {articles['all']} could be held out",
            "pool": "all passages of the test articles, in every language",
            "questions": f"only those in all languages, {left} others not asked" if self._complete_test else "all",
            "licence": self._licence,
            **({NUMBERS: str(numbers)} if numbers else {}),
        }

    @cached_property
    def _fingerprint(self) -> str:
        content = hashlib.sha256()
        chosen = set(self._languages)
        for row in self._rows:
            if row.lang in chosen:
                fields = (row.dataset, row.qid, row.lang, row.question, row.passage, row.title, row.pid, row.negatives)
                content.update(repr(fields).encode())
        shares = [self._shares.validation, self._shares.test, self._shares.seed]
        return hash_json([content.hexdigest(), self._languages, self._held_out, shares, self._complete_test])


def _without_pids(row: Row) -> Row:
    return dataclasses.replace(row, pid=None, negatives=tuple((text, None) for text, _ in row.negatives))
