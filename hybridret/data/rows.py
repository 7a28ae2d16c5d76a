"""Rows of parallel QA files (JSON Lines), checked as they are read.

A bad line is an error and never skipped: a missing translation would only be noticed later as a strange score. All
lines are read before the error is raised, so that one run reports every kind of error.
"""

from __future__ import annotations

import fnmatch
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hybridret.base.errors import UserError
from hybridret.base.languages import canonical_language, check_language
from hybridret.base.progress import Progress
from hybridret.data.fields import field_text, is_number, unread, warn_unread, without
from hybridret.data.hints import hint, is_archive
from hybridret.data.lines import json_object, numbered_lines

SUFFIXES = (".jsonl", ".jsonl.gz")
TEXTS = ("dataset", "qid", "question", "passage", "title", "pid")
FIELDS = (*TEXTS, "lang", "answer", "answer_start", "negatives", "negative_pids")
SHOWN = 5  # problems described in one error; the others are counted


@dataclass(frozen=True, slots=True)
class Row:
    """One question with its passage in one language. `negatives` are pairs of a text and its pid (None: unknown);
    `numbers` counts the fields that were numbers and became text. `group` joins passages whose pids differ and that
    must not be negatives of each other; None: the pid is the group. `answer` is "" where it is no text."""

    dataset: str
    qid: str
    lang: str
    question: str
    passage: str
    title: str | None
    pid: str | None
    negatives: tuple[tuple[str, str | None], ...]
    file: str
    line: int
    numbers: int = 0
    group: str | None = None
    answer: str = ""


class Problems:
    """Collects the problems of a file: the first five are described, the others counted."""

    def __init__(self) -> None:
        self._shown: list[str] = []
        self._count = 0

    def add(self, text: str) -> None:
        self._count += 1
        if self._count <= SHOWN:
            self._shown.append(text)

    def raise_if_any(self) -> None:
        if self._count == 0:
            return
        more = self._count - len(self._shown)
        tail = f"; and {more} more problem{'s' if more > 1 else ''}" if more else ""
        raise UserError("; ".join(self._shown) + tail + ". Mend or remove these lines, then run again.")


def find_files(path: Path, patterns: Sequence[str] | None) -> list[Path]:
    """The JSONL files of a folder whose names match one of the glob `patterns` (None: all), or the one file `path`.

    Raises UserError, naming existing files, when the path is missing or a pattern matches nothing.
    """
    if path.is_file():
        if is_archive(path):
            raise UserError(f"{path} is an archive: unpack it, and set data.path to the folder.")
        if not path.name.endswith(SUFFIXES):
            raise UserError(f"{path} is not a JSON Lines file; its name must end in .jsonl or .jsonl.gz.")
        return [path]
    if not path.is_dir():
        raise UserError(
            f"There is no file or folder {path}; set data.path to where the *.jsonl or *.jsonl.gz files are."
        )
    names = sorted(entry.name for entry in path.iterdir())
    known = [name for name in names if name.endswith(SUFFIXES)]
    if not known:
        advice = hint(path, "data.path", lambda one: any(any(one.glob(f"*{end}")) for end in SUFFIXES))
        raise UserError(f"{path} holds no *.jsonl or *.jsonl.gz file; {_listed(names)}.{advice}")
    for pattern in patterns or ():
        if not fnmatch.filter(known, pattern):
            raise UserError(f"No file in {path} matches {pattern!r} (files); {_listed(known)}.")
    if patterns is None:
        return [path / name for name in known]
    return [path / name for name in known if any(fnmatch.fnmatchcase(name, pattern) for pattern in patterns)]


def read_rows(files: Sequence[Path], name: str, progress: Progress) -> list[Row]:
    """All rows of `files`, in order; blank lines are skipped. `name` is the dataset of rows without another name.

    Raises UserError, naming file and line, for a broken line, a missing or empty field, a wrong type, an id that
    occurs twice in a language, a truncated archive and text that is not UTF-8.
    """
    problems = Problems()
    fields: dict[str, None] = {}
    rows: list[Row] = []
    first_seen: dict[tuple[str, str, str], Row] = {}
    for file in files:
        for line, raw in _lines(file, problems, progress):
            row = _parse(raw, file, line, name, problems, fields)
            if row is None:
                continue
            known = first_seen.setdefault((row.dataset, row.qid, row.lang), row)
            if known is not row:
                where = f"line {known.line}" if known.file == row.file else f"{known.file}, line {known.line}"
                problems.add(f"{file}, line {line}: qid {row.qid!r} in {row.lang!r} was already given in {where}")
            else:
                rows.append(row)
    with_pid = {row.dataset for row in rows if row.pid is not None}
    for row in rows:
        if row.pid is None and row.dataset in with_pid:
            problems.add(f"{row.file}, line {row.line}: no 'pid', while other rows of {row.dataset!r} have one")
    problems.raise_if_any()
    warn_unread(unread(fields, FIELDS), str(files[0].parent))
    return rows


def _lines(file: Path, problems: Problems, progress: Progress) -> Iterator[tuple[int, bytes]]:
    try:
        with progress.task(f"read {file.name}", file.stat().st_size) as advance:
            yield from numbered_lines(file, advance)
    except UserError as error:
        problems.add(str(error).rstrip("."))


def _parse(raw: bytes, file: Path, line: int, name: str, problems: Problems, fields: dict[str, None]) -> Row | None:
    """The row of a line, None if it has a problem; the names of its fields are added to `fields`."""
    where = f"{file}, line {line}"
    try:
        value = json_object(raw, where)
        fields |= dict.fromkeys(value)
        language = check_language(_text(value, "lang", where), where)
        return Row(
            dataset=_optional(value, "dataset", where) or _family(file, language, name),
            qid=_text(value, "qid", where),
            lang=language,
            question=_text(value, "question", where),
            passage=_text(value, "passage", where),
            title=_optional(value, "title", where),
            pid=_optional(value, "pid", where),
            negatives=_negatives(value, where),
            file=str(file),
            line=line,
            numbers=sum(map(is_number, [*map(value.get, TEXTS), *(value.get("negative_pids") or [])])),
            answer=answer if isinstance(answer := value.get("answer"), str) else "",
        )
    except UserError as error:
        problems.add(str(error).rstrip("."))
    return None


def _text(value: dict[str, Any], key: str, where: str) -> str:
    """The text of a required field, which must contain more than white space."""
    if key not in value:
        raise UserError(without(key, value, where))
    text = _optional(value, key, where)
    if text is None:
        raise UserError(f"{where}: {key!r} is empty")
    return text


def _optional(value: dict[str, Any], key: str, where: str) -> str | None:
    """The text of an optional field; null, "" and white space only count as missing."""
    text = value.get(key)
    if text is None:
        return None
    text = field_text(text, key, where)
    encodable(text, key, where)
    return text if text.strip() else None


def encodable(text: str, key: str, where: str) -> None:
    """Raise UserError for half a surrogate pair in the text of the field `key`."""
    try:
        text.encode("utf-8")
    except UnicodeEncodeError as error:  # JSON can contain half a surrogate pair; no tokenizer accepts it
        raise UserError(f"{where}: {key!r} holds a character that UTF-8 cannot write") from error


def _negatives(value: dict[str, Any], where: str) -> tuple[tuple[str, str | None], ...]:
    texts = value.get("negatives") or []
    pids = value.get("negative_pids")
    if not isinstance(texts, list) or not all(isinstance(text, str) and text.strip() for text in texts):
        raise UserError(f"{where}: 'negatives' must be a list of texts, none of them empty")
    if pids is None:
        pids = [None] * len(texts)
    if not isinstance(pids, list) or not all(pid is None or isinstance(pid, str) or is_number(pid) for pid in pids):
        raise UserError(f"{where}: 'negative_pids' must be a list of texts or null")
    pids = [str(pid) if is_number(pid) else pid for pid in pids]
    if len(pids) != len(texts):
        raise UserError(f"{where}: {len(texts)} 'negatives' but {len(pids)} 'negative_pids'")
    for text in texts:
        encodable(text, "negatives", where)
    return tuple(zip(texts, pids, strict=True))


def _family(file: Path, language: str, name: str) -> str:
    """`squad-dev` for `squad-dev.en.jsonl.gz` and for `squad-dev.eng.jsonl`; `name` for `en.jsonl`; the whole stem if
    it contains no language."""
    stem = file.name.removesuffix(".gz").removesuffix(".jsonl")
    if canonical_language(stem) == language:
        return name
    for mark in ".-_":
        for position in (position for position, character in enumerate(stem) if character == mark):
            if canonical_language(stem[position + 1 :]) == language:
                return stem[:position]
    return stem


def _listed(names: Sequence[str]) -> str:
    if not names:
        return "it is empty"
    return "there is: " + ", ".join(names[:20]) + (", ..." if len(names) > 20 else "")
