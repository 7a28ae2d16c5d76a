"""Natural Questions as question-passage pairs in English, in the form that retrieval training uses.

`biencoder-nq-train.json` of DPR (https://arxiv.org/abs/2004.04906): one list of `{"question", "answers",
"positive_ctxs": [{"title", "text", "passage_id", ...}], "negative_ctxs", "hard_negative_ctxs"}`, several gigabytes, so
it is read record by record. The first positive passage is the one that annotators chose and that DPR trains on. Also
read: `NQ-train_pairs.jsonl` of sentence-transformers, a list of question and passage in each line.

The layouts were verified from the publishers' documentation and from programs that read these files, not from their
bytes; counts were not verified.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

from annotated_types import Ge, Gt, Lt

from hybridret.base.errors import UserError, refusals
from hybridret.base.range_words import Because
from hybridret.base.ranges import Natural, checked
from hybridret.data.arrow_table import file_probe
from hybridret.data.hints import hint
from hybridret.data.json_records import json_records, line_values
from hybridret.data.lines import Advance
from hybridret.data.partition import with_passage_ids
from hybridret.data.row_source import RowSource
from hybridret.data.rows import Problems, Row, encodable
from hybridret.data.split import Shares

VERSION = 1  # of the reading: raise it when the same files would give other pairs
NAMES = tuple(
    f"{name}{end}" for name in ("biencoder-nq-train.json", "NQ-train_pairs.jsonl") for end in ("", ".gz")
)  # looked for in this order
PUBLISHED = (
    "DPR publishes it: curl -LO https://dl.fbaipublicfiles.com/dpr/data/retriever/biencoder-nq-train.json.gz ; then "
    "set data.path to the file."
)


@checked("data")
class NaturalQuestions(RowSource):
    """A pair source over one file of Natural Questions, in English. It is read once, at first use.

    path: the file, plain or .gz, or the folder that holds it under its published name.
    hard_negatives: the number of hard negatives of a question that are kept, the best ones first; None: all, which take
        about 700 bytes each while the data is prepared.
    validation_share, test_share, split_seed, name, licence: as in `JsonlPairs`. An article is a page of Wikipedia.

    Passages are title and text. A hard negative that is also a positive of its question is left out, and counted in
    `summary()`. Every method raises UserError for bad input, naming the file and the record (from 0) or line.
    """

    def __init__(
        self,
        path: str | None,
        hard_negatives: Natural | None = 1,
        validation_share: Annotated[float, Gt(0), Lt(1), Because("For example 0.02.")] = 0.02,
        test_share: Annotated[float, Ge(0), Lt(1), Because("0 is no test set; 0.02 is a good start.")] = 0.0,
        split_seed: int = 1,
        name: str = "nq",
        licence: str = "CC BY-SA 3.0",
    ) -> None:
        if not path:
            raise UserError(f"data.path is not set: give biencoder-nq-train.json or .json.gz. {PUBLISHED}")
        shares = Shares(validation_share, test_share, split_seed)
        super().__init__(name, path, None, shares, True, None, licence, "")
        self._hard_negatives = hard_negatives
        self._counted: Counter[str] = Counter()

    def key(self) -> list[Any]:
        """Settings, and name, size, time and probes of the file. Raises UserError where there is none."""
        shares = [self._shares.validation, self._shares.test, self._shares.seed]
        probe = file_probe(self._file(), "Natural Questions")
        return ["nq", VERSION, self.name, probe, shares, self._hard_negatives, self._licence]

    def missing(self) -> list[str]:
        """The error message about a missing file, with the command that fetches it; it is not read."""
        return refusals(self._file)

    def _counts(self) -> dict[str, Any]:
        return dict(sorted(self._counted.items()))

    def _file(self) -> Path:
        path = self._path.expanduser()
        if path.is_file():
            if not path.name.endswith((".json", ".json.gz", ".jsonl", ".jsonl.gz")):
                raise UserError(f"{path}: its name must end in .json, .jsonl or either with .gz. {PUBLISHED}")
            return path
        if not path.is_dir():
            raise UserError(f"data.path: there is no file or folder {path}. {PUBLISHED}")
        for name in NAMES:
            if (path / name).is_file():
                return path / name
        advice = hint(path, "data.path", lambda one: any((one / name).is_file() for name in NAMES))
        raise UserError(f"{path} holds none of {', '.join(NAMES)}.{advice} {PUBLISHED}")

    def _read_rows(self) -> list[Row]:
        file, problems, rows = self._file(), Problems(), []
        with self._progress.task(f"read {file.name}", file.stat().st_size) as advance:
            for number, where, value in _records(file, advance):
                try:
                    rows.append(self._row(value, number, where))
                except UserError as error:
                    problems.add(str(error).rstrip("."))
        problems.raise_if_any()
        if not rows:
            raise UserError(f"{file} holds no question. {PUBLISHED}")
        return with_passage_ids(rows) if any(row.pid is None for row in rows) else rows

    def _row(self, value: Any, number: int, where: str) -> Row:
        if isinstance(value, list):
            if len(value) != 2:
                raise UserError(f"{where}: expected a list of question and passage, not of {len(value)} elements")
            question, passage = (
                _text(text, what, where) for text, what in zip(value, ("question", "passage"), strict=True)
            )
            return self._made(number, where, question, passage, None, None, ())
        if not isinstance(value, dict):
            raise UserError(f"{where}: a record must be a JSON object, not {type(value).__name__}")
        positives = [_passage(one, where) for one in _list(value, "positive_ctxs", where)]
        if not positives:
            raise UserError(f"{where}: 'positive_ctxs' is empty")
        (passage, title, pid), *others = positives
        self._counted["other_positives"] += len(others)
        own = {text for text, _, _ in positives} | {one for _, _, one in positives if one is not None}
        hard = [_passage(one, where) for one in _list(value, "hard_negative_ctxs", where)[: self._hard_negatives]]
        kept = tuple((text, one) for text, _, one in hard if text not in own and one not in own)
        self._counted["negatives_that_are_positives"] += len(hard) - len(kept)
        question = _text(value.get("question"), "question", where)
        return self._made(number, where, question, passage, title, pid, kept)

    def _made(
        self,
        number: int,
        where: str,
        question: str,
        passage: str,
        title: str | None,
        pid: str | None,
        negatives: tuple[tuple[str, str | None], ...],
    ) -> Row:
        return Row(self.name, str(number), "en", question, passage, title, pid, negatives, where, number)


def _records(file: Path, advance: Advance) -> Iterator[tuple[int, str, Any]]:
    """Number, position for messages, and value of every record."""
    if file.name.removesuffix(".gz").endswith(".jsonl"):
        for line, value in line_values(file, advance):
            yield line, f"{file}, line {line}", value
    else:
        for number, value in enumerate(json_records(file, advance)):
            yield number, f"{file}, record {number}", value


def _list(value: dict[str, Any], key: str, where: str) -> list[Any]:
    found = value.get(key)
    if found is None and key != "positive_ctxs":
        return []
    if not isinstance(found, list):
        raise UserError(
            f"{where}: {key!r} must be a list of passages; it has {', '.join(map(repr, value)) or 'no field'}"
        )
    return found


def _passage(value: Any, where: str) -> tuple[str, str | None, str | None]:
    """Title and text as one text, the title, and the id of the passage."""
    if not isinstance(value, dict):
        raise UserError(f"{where}: a passage must be an object with 'title' and 'text', not {type(value).__name__}")
    text = _text(value.get("text"), "text", where)
    title = value.get("title")
    title = _text(title, "title", where).strip() if title else None
    identifier = value.get("passage_id", value.get("psg_id"))
    return f"{title} {text}" if title else text, title, None if identifier is None else str(identifier)


def _text(value: Any, key: str, where: str) -> str:
    if not isinstance(value, str) or not value.strip():
        raise UserError(f"{where}: {key!r} must be a text that is not empty")
    encodable(value, key, where)
    return value
