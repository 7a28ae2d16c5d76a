"""The hits of a TREC run file, as they stand in it: columns of numbers, and the ids behind them."""

from __future__ import annotations

from array import array
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from hybridret.base.errors import UserError
from hybridret.base.ids import descending_order
from hybridret.base.records import FloatArray, IntArray
from hybridret.data.lines import decoded, numbered_lines
from hybridret.data.trec_names import Names

COLUMNS = 6
SHAPE = "qid Q0 docid rank score tag"


@dataclass(frozen=True)
class TrecHits:
    """The n lines of a run file as columns: `query` and `passage` [n] number the `queries` and `passages`, `score` [n]
    is finite fp32. `tags`: the different texts of the last column, in order of appearance."""

    path: Path
    queries: Names
    passages: Names
    query: IntArray
    passage: IntArray
    score: FloatArray
    tags: tuple[str, ...]

    def order(self) -> IntArray:
        """[n]: the lines in trec_eval's order: by query, score descending, equal scores by passage id descending. The
        fourth column of the file does not count."""
        ties = descending_order(self.passages.texts())[self.passage]
        order: IntArray = np.lexsort((ties, -self.score, self.query))
        return order


def read_trec_hits(path: Path) -> TrecHits:
    """Read `path`, plain or .gz; columns are separated by any white space.

    Raises UserError naming file and line for a line without six columns, a score that is no finite fp32 number, a query
    with the same passage twice and an archive that is cut; and for a file without hits.
    """
    path = Path(path)
    queries, passages, tags = Names(path, "query"), Names(path, "passage"), Names(path, "tag")
    lines, asked, found, read = array("q"), array("q"), array("q"), array("d")
    for line, raw in numbered_lines(path):
        cells = raw.split()  # at ASCII white space, as trec_eval does
        if len(cells) != COLUMNS:
            text = decoded(raw, f"{path}, line {line}")
            raise UserError(f"{path}, line {line}: expected '{SHAPE}', found {len(cells)} columns: {text[:60]!r}.")
        try:
            read.append(float(cells[4]))
        except ValueError:
            raise UserError(f"{path}, line {line}: the score {cells[4]!r} is no number.") from None
        lines.append(line)
        asked.append(queries.number(cells[0], line))
        found.append(passages.number(cells[2], line))
        tags.number(cells[5], line)
    if not lines:
        raise UserError(f"{path} holds no hits. Write the run again.")
    at, query, passage = (np.frombuffer(column, dtype=np.int64) for column in (lines, asked, found))
    with np.errstate(over="ignore"):
        scores = np.frombuffer(read, dtype=np.float64).astype(np.float32)
    if not (finite := np.isfinite(scores)).all():
        first = int(np.argmin(finite))
        raise UserError(f"{path}, line {at[first]}: the score is {read[first]}; only finite fp32 numbers have a rank.")
    _check_repeated(path, at, query * len(passages) + passage)
    return TrecHits(path, queries, passages, query, passage, scores, tuple(tags.texts()))


def _check_repeated(path: Path, lines: IntArray, pairs: IntArray) -> None:
    order = np.argsort(pairs, kind="stable")
    again = order[1:][pairs[order[1:]] == pairs[order[:-1]]]
    if len(again):
        raise UserError(
            f"{path}, line {lines[again.min()]}: this query has had the same passage in an earlier line. Keep one of "
            f"them."
        )
