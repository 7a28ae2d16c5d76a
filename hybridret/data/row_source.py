"""What every source whose rows fit into memory does with them: split by article, build pairs and test sets, count.

A source reads its files to `Row`s (`_read_rows`); all the rest is here, so that every format is split, held out and
counted in the same way.
"""

from __future__ import annotations

import hashlib
from abc import ABC, abstractmethod
from collections import defaultdict
from collections.abc import Iterable, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

from hybridret.base.errors import UserError
from hybridret.base.files import hash_json
from hybridret.base.languages import among, check_language, chosen_languages
from hybridret.base.progress import Progress, Quiet
from hybridret.base.records import Collection, ParallelPairs
from hybridret.data.assemble import build_collection, build_pairs, question_key
from hybridret.data.fields import NUMBERS
from hybridret.data.partition import Partition, partition
from hybridret.data.rows import Row
from hybridret.data.source import distinct_texts
from hybridret.data.split import Shares


class RowSource(ABC):
    """A pair source over rows. Files are read once, by `read` or at first use.

    path: where the files are, for messages. widen: the advice about a language that the files lack.
    languages, held_out, complete_test, licence: as in `hybridret.data.jsonl.JsonlPairs`.

    Every method raises UserError for bad input.
    """

    templated = False

    def __init__(
        self,
        name: str,
        path: str,
        languages: Sequence[str] | None,
        shares: Shares,
        complete_test: bool,
        held_out: Sequence[str] | None,
        licence: str,
        widen: str,
    ) -> None:
        asked = None if languages is None else [check_language(language, "data.languages") for language in languages]
        if asked is not None and (not asked or len(set(asked)) < len(asked)):
            raise UserError(f"data.languages={languages} must name at least one language, and none twice.")
        if not str(name).strip():
            raise UserError("data.name is empty: give your data a name for tables and files, or leave it out.")
        self.name = name
        self._path = Path(path)
        self._asked_languages = asked
        self._shares = shares
        self._complete_test = complete_test
        self._held_out = held_out
        self._licence = licence
        self._widen = widen
        self._progress: Progress = Quiet()

    @abstractmethod
    def key(self) -> list[Any]:
        """Settings, and names, sizes, times and probes of the files. Raises UserError where there are none."""

    @abstractmethod
    def missing(self) -> list[str]:
        """One message for each missing file or group of files; reads no file."""

    @abstractmethod
    def _read_rows(self) -> list[Row]:
        """All rows, in all languages, each with a pid; at least one. Shown by `_progress`."""

    def _counts(self) -> dict[str, Any]:
        """What the reader counted, as JSON; its keys are added to the summary."""
        return {}

    def read(self, progress: Progress) -> None:
        """Read the files, split the rows and put the pairs together, with progress."""
        self._progress = progress
        self._partition  # noqa: B018
        with progress.task(f"put the pairs of {self.name} together", 3) as advance:
            advance(0)
            self._fingerprint  # noqa: B018
            advance(1)
            self._training  # noqa: B018
            advance(1)
            self._validation, self._test  # noqa: B018
            advance(1)

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

    def articles(self) -> frozenset[str]:
        """Titles of the articles in the training part; benchmarks use them to find out whether they are in-domain."""
        return frozenset(row.title for row in self._partition.train if row.title is not None)

    def licence(self) -> str:
        """Terms of the texts."""
        return self._licence

    def fingerprint(self) -> str:
        """A hash of the used rows and of their split; it does not depend on paths or on compression."""
        return self._fingerprint

    def summary(self) -> dict[str, Any]:
        """Counts of rows read, of the split and of dropped rows by reason, as JSON values (see `Partition.summary`)."""
        numbers = sum(row.numbers for row in self._rows)
        counted = {NUMBERS.replace(" ", "_"): numbers} if numbers else {}
        return {"name": self.name, **self._partition.summary(), **counted, **self._counts()}

    @cached_property
    def _rows(self) -> list[Row]:
        return self._read_rows()

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
                f"{', '.join(sorted(known))}. Choose among these{self._widen}."
            )
        return tuple(chosen_languages("data.languages", self._asked_languages, sorted(known)))

    @cached_property
    def _partition(self) -> Partition:
        rows, languages = self._rows, self._languages
        chosen = sum(row.lang in languages for row in rows)
        with self._progress.task(f"split {self.name} by article", len(rows) + chosen) as advance:
            return partition(rows, languages, self._held_out, self._shares, self._complete_test, advance)

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
                content.update(repr(fields if row.group is None else (*fields, row.group)).encode())
        shares = [self._shares.validation, self._shares.test, self._shares.seed]
        return hash_json([content.hexdigest(), self._languages, self._held_out, shares, self._complete_test])
