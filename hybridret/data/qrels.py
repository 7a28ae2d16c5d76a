"""Relevance judgments and topics, as the field publishes them: BEIR's and TREC's files."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np

from hybridret.data.lines import decoded, json_object, numbered_lines
from hybridret.errors import UserError
from hybridret.records import IntArray

HEADER = ("query-id", "corpus-id", "score")
Judgment = tuple[str, str, str, str]  # where it stands, query id, passage id, grade


@dataclass(frozen=True)
class Qrels:
    """Judgments as parallel columns [R], in the order of the file; grades of any sign. Every pair stands once;
    `repeated` counts the equal repetitions that were left out."""

    query_ids: list[str]
    passage_ids: list[str]
    grades: IntArray
    repeated: int = 0

    def __len__(self) -> int:
        return len(self.query_ids)


def read_qrels(path: Path, layout: Literal["beir", "trec"]) -> Qrels:
    """Read judgments, plain or .gz. Copies on the hub as .jsonl or .parquet, with the fields query-id, corpus-id and
    score, are told by their names.

    layout: `beir` is TAB-separated with the header `query-id corpus-id score`; `trec` is `qid Q0 docid grade` with
    TAB or spaces between them, without header.

    Raises UserError naming file and line for a malformed line, a grade that is not a whole number, and a pair with two
    different grades.
    """
    path = Path(path)
    if path.name.endswith(".parquet"):
        rows = _parquet_rows(path)
    elif path.name.removesuffix(".gz").endswith(".jsonl"):
        rows = _json_rows(path)
    else:
        rows = _beir_rows(path) if layout == "beir" else _trec_rows(path)
    first: dict[tuple[str, str], tuple[int, str]] = {}
    repeated = 0
    for where, query, passage, grade in rows:
        value = _grade(grade, where)
        known, known_where = first.setdefault((query, passage), (value, where))
        if known_where is where:
            continue
        if known != value:
            raise UserError(
                f"{where}: query {query!r} and passage {passage!r} have grade {value}, but {known} in {known_where}. "
                f"Keep one of the two lines."
            )
        repeated += 1
    if not first:
        raise UserError(f"{path} holds no judgments. Fetch the file again.")
    return Qrels(
        [query for query, _ in first],
        [passage for _, passage in first],
        np.array([grade for grade, _ in first.values()], dtype=np.int64),
        repeated,
    )


def read_topics(path: Path) -> tuple[list[str], list[str]]:
    """Ids and queries of lines `qid TAB query` without header, plain or .gz.

    Raises UserError naming file and line for a line without TAB, an empty id or query, or an id that stood before.
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


def _beir_rows(path: Path) -> Iterator[Judgment]:
    header = False
    for line, raw in numbered_lines(path):
        where = f"{path}, line {line}"
        cells = tuple(cell.strip() for cell in decoded(raw, where).split("\t"))
        if not header:
            if cells != HEADER:
                raise UserError(f"{where}: expected the header {' TAB '.join(HEADER)}, found {' TAB '.join(cells)!r}.")
            header = True
            continue
        if len(cells) != 3 or not all(cells):
            raise UserError(f"{where}: expected query id TAB passage id TAB grade, found {decoded(raw, where)[:60]!r}.")
        yield (where, *cells)


def _trec_rows(path: Path) -> Iterator[Judgment]:
    for line, raw in numbered_lines(path):
        where = f"{path}, line {line}"
        cells = decoded(raw, where).split()
        if len(cells) != 4:
            raise UserError(f"{where}: expected 'qid Q0 docid grade', found {decoded(raw, where)[:60]!r}.")
        yield where, cells[0], cells[2], cells[3]


def _json_rows(path: Path) -> Iterator[Judgment]:
    for line, raw in numbered_lines(path):
        where = f"{path}, line {line}"
        row = json_object(raw, where)
        if missing := [name for name in HEADER if row.get(name) is None]:
            raise UserError(f"{where}: no {', '.join(map(repr, missing))}; each row needs {', '.join(HEADER)}.")
        yield where, str(row["query-id"]), str(row["corpus-id"]), str(row["score"])


def _parquet_rows(path: Path) -> Iterator[Judgment]:
    from pyarrow import ArrowInvalid
    from pyarrow.parquet import ParquetFile

    try:
        with ParquetFile(path) as file:
            if missing := [name for name in HEADER if name not in file.schema_arrow.names]:
                raise UserError(f"{path} lacks the columns {', '.join(missing)}; it has {file.schema_arrow.names}.")
            row = 0
            for batch in file.iter_batches(columns=list(HEADER)):
                for cells in zip(*(batch.column(name).to_pylist() for name in HEADER), strict=True):
                    row += 1
                    where = f"{path}, row {row}"
                    if None in cells:
                        raise UserError(f"{where}: a cell is empty; each row needs {', '.join(HEADER)}.")
                    yield where, str(cells[0]), str(cells[1]), str(cells[2])
    except (ArrowInvalid, OSError) as error:
        raise UserError(f"{path} cannot be read as parquet ({error}). Fetch the file again.") from error


def _grade(text: str, where: str) -> int:
    try:
        return int(text)
    except ValueError:
        pass
    try:
        if (value := float(text)).is_integer():  # copies on the hub write 1.0
            return int(value)
    except ValueError:
        pass
    raise UserError(f"{where}: the grade must be a whole number, not {text!r}.")
