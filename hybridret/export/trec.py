"""Rankings and judgments as TREC files, which trec_eval, ir_measures, Anserini and others read: writing and reading.

A run has lines `qid Q0 docid rank score tag`, judgments (qrels) have `qid 0 docid grade`; a file whose name ends in .gz
is compressed. trec_eval uses scores, not ranks, compares them as fp32, and sorts equal ones by descending id, as we do.
Scores are written so that they read back as the same fp32, and so the order does not change.
"""

from __future__ import annotations

import gzip
import io
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import IO, cast

import numpy as np

from hybridret.base.errors import UserError
from hybridret.base.files import atomic_path
from hybridret.base.ids import descending_order, slices
from hybridret.base.records import Collection, FloatArray, Hits, IntArray
from hybridret.data import qrels
from hybridret.data.columns import Column
from hybridret.data.trec_hits import read_trec_hits

LINES = 1 << 20  # written at a time: bounds the ids in memory


def write_trec_run(path: Path, collection: Collection, queries: IntArray, hits: Hits, tag: str) -> None:
    """Write the `hits` [q, k] of `queries` [q] (indices into the collection), whole or not at all.

    Raises UserError for a score that is not finite, an id or tag that is empty or has white space (the format cannot
    hold it), and when the file cannot be written; ValueError for hits that are not sorted best first.
    """
    path = Path(path)
    present = hits.passages >= 0
    if len(queries) != len(hits.passages):
        raise ValueError(f"{len(queries)} queries, {len(hits.passages)} rows of hits")
    if (bad := present & ~np.isfinite(hits.scores)).any():
        row, column = np.argwhere(bad)[0]
        raise UserError(
            f"{path}: the score of query {collection.query_ids[queries[row]]!r} for passage "
            f"{collection.passage_ids[hits.passages[row, column]]!r} is {hits.scores[row, column]}, which has no rank. "
            f"Nothing is written."
        )
    if (present[:, 1:] & ((hits.scores[:, 1:] > hits.scores[:, :-1]) | ~present[:, :-1])).any():
        raise ValueError("hits do not stand best first")
    tag = _field(tag, path, "tag")
    step = max(1, LINES // max(1, hits.passages.shape[1]))
    with _text(path) as file:
        for start in range(0, len(queries), step):
            part = slice(start, start + step)
            asked = [_field(collection.query_ids[query], path, "query id") for query in queries[part].tolist()]
            wanted, inverse = np.unique(hits.passages[part][present[part]], return_inverse=True)
            ids = [_field(identifier, path, "passage id") for identifier in _taken(collection.passage_ids, wanted)]
            found = iter(inverse.tolist())
            scores = iter(_shortest(hits.scores[part][present[part]]))
            for query, count in zip(asked, present[part].sum(axis=1).tolist(), strict=True):
                file.writelines(
                    f"{query} Q0 {ids[next(found)]} {rank} {next(scores)} {tag}\n" for rank in range(1, count + 1)
                )


def unwritable(collection: Collection) -> str | None:
    """Why TREC's format cannot hold the ids of a collection, all of which are read; None where it can."""
    for what, ids in (("query", collection.query_ids), ("passage", collection.passage_ids)):
        for part in slices(ids):
            for identifier in part:
                if fault := _fault(identifier):
                    return f"the {what} id {identifier!r} {fault}, which TREC's format cannot hold"
    return None


def read_trec_run(path: Path, collection: Collection) -> tuple[IntArray, Hits]:
    """The queries [q] of a run, ascending indices into the collection, and their hits [q, k] in trec_eval's order,
    whatever the order and the ranks in the file; k is the largest number of hits of a query.

    Raises UserError naming file and line for a malformed line, a score that is no finite fp32 number, a query with the
    same passage twice, and ids that the collection does not know (with their number).
    """
    found = read_trec_hits(path)
    query = found.queries.positions(collection.query_ids, collection.name)[found.query]
    passage = found.passages.positions(collection.passage_ids, collection.name)[found.passage]
    ties = descending_order(found.passages.texts())[found.passage]
    order = np.lexsort((ties, -found.score, query))
    distinct, starts, row_of = np.unique(query[order], return_index=True, return_inverse=True)
    column = np.arange(len(order)) - starts[row_of]
    shape = (len(distinct), int(column.max()) + 1)
    hits = Hits(np.full(shape, -1, dtype=np.int64), np.full(shape, -np.inf, dtype=np.float32))
    hits.passages[row_of, column] = passage[order]
    hits.scores[row_of, column] = found.score[order]
    return distinct, hits


def write_qrels(path: Path, collection: Collection) -> None:
    """Write the judgments of a collection, the unmet ones last, whole or not at all. Raises UserError as
    `write_trec_run` does."""
    path = Path(path)
    with _text(path) as file:
        for start in range(0, len(collection.grades), LINES):
            part = slice(start, start + LINES)
            wanted, inverse = np.unique(collection.relevant_passages[part], return_inverse=True)
            ids = [_field(identifier, path, "passage id") for identifier in _taken(collection.passage_ids, wanted)]
            rows = zip(
                collection.relevant_queries[part].tolist(),
                inverse.tolist(),
                collection.grades[part].tolist(),
                strict=True,
            )
            for query, passage, grade in rows:
                file.write(f"{_field(collection.query_ids[query], path, 'query id')} 0 {ids[passage]} {grade}\n")
        unmet = collection.unmet
        for query, identifier, grade in zip(
            unmet.queries.tolist(), unmet.passage_ids, unmet.grades.tolist(), strict=True
        ):
            asked = _field(collection.query_ids[query], path, "query id")
            file.write(f"{asked} 0 {_field(identifier, path, 'passage id')} {grade}\n")


def read_qrels(path: Path) -> qrels.Qrels:
    """The judgments of a TREC file, grades of any sign. Raises UserError naming file and line for bad input."""
    return qrels.read_qrels(path, "trec")


def _field(text: str, path: Path, what: str) -> str:
    """`text` if it can be a column of a TREC file."""
    if (fault := _fault(text)) is None:
        return text
    raise UserError(f"{path}: the {what} {text!r} {fault}, which TREC's format cannot hold. Nothing is written.")


def _fault(text: str) -> str | None:
    if text.split() != [text]:
        return "is empty" if not text else "has white space"
    return None if _encodable(text) else "is no valid Unicode"


def _encodable(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _taken(ids: Sequence[str], wanted: IntArray) -> list[str]:
    return ids.take(wanted) if isinstance(ids, Column) else [ids[index] for index in wanted.tolist()]


def _shortest(scores: FloatArray) -> list[str]:
    """The shortest decimals that read back as the same fp32, and that keep their order when read as fp64."""
    return cast(list[str], np.asarray(scores, dtype=np.float32).astype(str).tolist())


@contextmanager
def _text(path: Path) -> Iterator[IO[str]]:
    """A UTF-8 file that replaces `path` in the end; the same text gives the same bytes, compressed or not."""
    with atomic_path(path) as temporary, ExitStack() as stack:
        binary: IO[bytes] = stack.enter_context(open(temporary, "wb"))
        if path.name.endswith(".gz"):
            packed = gzip.GzipFile(filename="", fileobj=binary, mode="wb", compresslevel=6, mtime=0)
            binary = cast(IO[bytes], stack.enter_context(packed))
        yield stack.enter_context(io.TextIOWrapper(binary, encoding="utf-8", newline="\n"))
