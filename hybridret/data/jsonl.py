"""Parallel QA pairs from a folder of JSON Lines files, split by article into train, validation and test.

Rows: `{qid, lang, question, passage, pid, title, answer, answer_start}`, optionally `dataset`, `negatives` (texts) and
`negative_pids`. Translations of a question share `qid`, translations of a passage share `pid`. Without `pid`, passages
are identified by text and qid; without `title`, each passage is an article of its own.

Files of one family (`squad-dev.en.jsonl.gz`, `squad-dev.da.jsonl.gz`, ...) are one training dataset, other families are
datasets of their own.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Annotated, Any, Literal

from annotated_types import Ge, Gt, Lt

from hybridret.base.errors import UserError, refusals
from hybridret.base.languages import among
from hybridret.base.range_words import Because
from hybridret.base.ranges import checked
from hybridret.data.alignment import Asked, Remedies, check_alignment
from hybridret.data.arrow_table import file_probe
from hybridret.data.assemble import group_of
from hybridret.data.partition import with_passage_ids
from hybridret.data.row_source import RowSource
from hybridret.data.rows import Row, find_files, read_rows
from hybridret.data.split import Shares

UNALIGNED = 0.01  # the largest share of a language's ids that no other language has
REMEDIES = Remedies(separate="data.equal_ids=separate", trusted="data.equal_ids=translations")
VERSION = 1  # of the reading and the split: raise it when the same files would give other pairs


@checked("data")
class JsonlPairs(RowSource):
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
    equal_ids: what rows with one qid in two languages are. translations: of one question. separate: each language has
        questions of its own, which it counts for itself. checked: translations, and refused where more than 1% of a
        language's ids are in no other language (none at all may be: they are its own questions), or where answers in
        figures differ.

    Every method raises UserError for bad input, naming file and line.
    """

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
        equal_ids: Literal["checked", "translations", "separate"] = "checked",
    ) -> None:
        if not path:
            raise UserError("data.path is not set: give the folder with the *.jsonl or *.jsonl.gz files of the pairs.")
        shares = Shares(validation_share, test_share, split_seed)
        widen = ", or widen data.files"
        super().__init__(name, path, languages, shares, complete_test, held_out, licence, widen)
        self._files = files
        self._ignore_pid = ignore_pid
        self._equal_ids = equal_ids
        self._alone: dict[str, Any] = {}

    def key(self) -> list[Any]:
        """Settings, and names, sizes, times and probes of the files. Raises UserError where there are none."""
        files = [file_probe(file, "training pairs") for file in find_files(self._path, self._files)]
        shares = [self._shares.validation, self._shares.test, self._shares.seed]
        settings = [self._asked_languages, self._complete_test, self._held_out, self._ignore_pid, self._licence]
        if self._equal_ids != "checked":  # copies from before there was a choice stay good
            settings.append(self._equal_ids)
        return ["jsonl", VERSION, self.name, files, shares, settings]

    def missing(self) -> list[str]:
        """One message for each missing file or group of files; reads no file."""
        return refusals(lambda: find_files(self._path, self._files))

    def _read_rows(self) -> list[Row]:
        rows = read_rows(find_files(self._path, self._files), self.name, self._progress)
        if not rows:
            raise UserError(f"{self._path} holds no rows: the files that were read are empty.")
        if self._ignore_pid:
            rows = [_without_pids(row) for row in rows]
        if self._equal_ids == "separate":
            rows = [dataclasses.replace(row, qid=f"{row.lang}:{row.qid}") for row in rows]
        rows = with_passage_ids(rows)
        self._alone = self._check_ids(rows)
        return rows

    def _check_ids(self, rows: Sequence[Row]) -> dict[str, Any]:
        known = sorted({row.lang for row in rows})
        chosen = {among(language, known) for language in self._asked_languages or known}
        # Equal qids with different pids are not joined, so they count as different ids.
        asked = (Asked(row.dataset, row.lang, _id(row), row.answer) for row in rows if row.lang in chosen)
        return check_alignment(asked, UNALIGNED if self._equal_ids == "checked" else None, REMEDIES, monolingual=True)

    def _counts(self) -> dict[str, Any]:
        return {"ids_in_no_other_language": self._alone} if self._alone else {}


def _id(row: Row) -> str:
    return f"{row.qid} (pid {group_of(row)})"


def _without_pids(row: Row) -> Row:
    return dataclasses.replace(row, pid=None, negatives=tuple((text, None) for text, _ in row.negatives))
