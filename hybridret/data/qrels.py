"""Relevance judgments and topics in the usual formats: BEIR's and TREC's files."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np

from hybridret.base.errors import UserError
from hybridret.base.records import IntArray
from hybridret.data.judgment_rows import BEIR, HEADER, TREC, Judgment, columns_of, text_rows
from hybridret.data.lines import decoded, json_object, numbered_lines

LARGEST_GRADE = 2**31 - 1  # largest absolute value; trec_eval reads a C long


@dataclass(frozen=True)
class Qrels:
    """Judgments as parallel columns [R], in the order of the file; grades of any sign. Every pair occurs once;
    `repeated` counts the equal repetitions that were left out. `read_as`: the layout of the file if it is not the
    publisher's, else ""."""

    query_ids: list[str]
    passage_ids: list[str]
    grades: IntArray
    repeated: int = 0
    read_as: str = ""

    def __len__(self) -> int:
        return len(self.query_ids)

    def notes(self) -> dict[str, str]:
        """Notes for a report on the reading of the file; may be empty."""
        return {"judgments read as": self.read_as} if self.read_as else {}


def read_qrels(path: Path, layout: Literal["beir", "trec"]) -> Qrels:
    """Read judgments, plain or .gz. Copies on the hub as .jsonl or .parquet, with the fields query-id, corpus-id and
    score, are recognised by their suffix. The layout of text files is found in their first line (`text_rows`).

    layout: the publisher's layout. `beir` is TAB-separated with the header `query-id corpus-id score`; `trec` is
    `qid Q0 docid grade` with TAB or spaces between them, without header. Other layouts are read too, with a note.

    Raises UserError naming file and line for a malformed line, a grade that is not a whole number, and a pair with two
    different grades.
    """
    path = Path(path)
    read_as = published = BEIR if layout == "beir" else TREC
    if path.name.endswith(".parquet"):
        rows = _parquet_rows(path)
    elif path.name.removesuffix(".gz").endswith(".jsonl"):
        rows = _json_rows(path)
    else:
        read_as, rows = text_rows(path)
    first: dict[tuple[str, str], tuple[int, str]] = {}
    repeated = 0
    with closing(rows):  # else an error that is kept would keep the file open
        for where, query, passage, grade in rows:
            value = _grade(grade, where)
            known, known_where = first.setdefault((query, passage), (value, where))
            if known_where is where:
                continue
            if known != value:
                raise UserError(
                    f"{where}: query {query!r} and passage {passage!r} have grade {value}, but {known} in "
                    f"{known_where}. Keep one of the two lines."
                )
            repeated += 1
    if not first:
        raise UserError(f"{path} holds no judgments. Fetch the file again.")
    return Qrels(
        [query for query, _ in first],
        [passage for _, passage in first],
        np.array([grade for grade, _ in first.values()], dtype=np.int64),
        repeated,
        "" if read_as == published else read_as,
    )


def read_topics(path: Path) -> tuple[list[str], list[str]]:
    """Ids and queries of lines `qid TAB query` without header, plain or .gz.

    Raises UserError naming file and line for a line without TAB, an empty id or query, or a repeated id.
    """
    path = Path(path)
    queries: dict[str, str] = {}
    for line, raw in numbered_lines(path):
        where = f"{path}, line {line}"
        identifier, _, query = (part.strip() for part in decoded(raw, where).partition("\t"))
        if not identifier or not query:
            missing = "query id TAB query" if identifier or query else "a query"
            raise UserError(f"{where}: expected {missing}, found {decoded(raw, where)[:60]!r}.")
        if identifier in queries:
            raise UserError(f"{where}: query id {identifier!r} stands in an earlier line already. Keep one of them.")
        queries[identifier] = query
    if not queries:
        raise UserError(f"{path} holds no queries. Fetch the file again.")
    return list(queries), list(queries.values())


def _json_rows(path: Path) -> Generator[Judgment]:
    for line, raw in numbered_lines(path):
        where = f"{path}, line {line}"
        row = json_object(raw, where)
        found = _named(list(row))
        if missing := [name for name in HEADER if name not in found or row[found[name]] is None]:
            raise UserError(f"{where}: no {', '.join(map(repr, missing))}; each row needs {', '.join(HEADER)}.")
        query, passage, grade = (str(row[found[name]]) for name in HEADER)
        yield where, query, passage, grade


def _parquet_rows(path: Path) -> Generator[Judgment]:
    from pyarrow import ArrowInvalid
    from pyarrow.parquet import ParquetFile

    try:
        with ParquetFile(path) as file:
            found = _named(file.schema_arrow.names)
            if missing := [name for name in HEADER if name not in found]:
                raise UserError(f"{path} lacks the columns {', '.join(missing)}; it has {file.schema_arrow.names}.")
            names = [found[name] for name in HEADER]
            row = 0
            for batch in file.iter_batches(columns=names):
                for cells in zip(*(batch.column(name).to_pylist() for name in names), strict=True):
                    row += 1
                    where = f"{path}, row {row}"
                    if None in cells:
                        raise UserError(f"{where}: a cell is empty; each row needs {', '.join(HEADER)}.")
                    yield where, str(cells[0]), str(cells[1]), str(cells[2])
    except (ArrowInvalid, OSError) as error:
        raise UserError(f"{path} cannot be read as parquet ({error}). Fetch the file again.") from error


def _named(fields: Sequence[str]) -> dict[str, str]:
    """The field of each role: the field with its exact name, else the only field with a name that means it."""
    exact = {name: name for name in HEADER if name in fields}
    if len(exact) == len(HEADER) or (columns := columns_of(fields)) is None:
        return exact
    return {name: fields[column] for name, column in columns.items()}


def _grade(text: str, where: str) -> int:
    value: int | None = None
    try:
        value = int(text)
    except ValueError:
        with suppress(ValueError):
            if (number := float(text)).is_integer():  # copies on the hub write 1.0
                value = int(number)
    if value is None or abs(value) > LARGEST_GRADE:
        raise UserError(f"{where}: the grade must be a whole number, not {text[:40]!r}, and at most {LARGEST_GRADE}.")
    return value
