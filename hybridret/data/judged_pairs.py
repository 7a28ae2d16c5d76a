"""Pairs of a query and a relevant passage, given by integer ids that all languages share, as arrays.

Two pairs belong together where they share a query or a passage: neither passage may be a negative of the other query.
So a passage group is a connected part of the graph of queries and passages, and what is held out for validation is a
whole group.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components

from hybridret.base.errors import UserError
from hybridret.base.records import BoolArray, IntArray
from hybridret.data.prepared.shards import Shards
from hybridret.data.prepared.stored_texts import write_texts

BLOCK = 1 << 24  # bytes of a file of ids that are parsed at a time


@dataclass(frozen=True)
class JudgedPairs:
    """n pairs, sorted by the ids of query and passage.

    `queries` [Q] and `passages` [P]: the ids, ascending. By pair: `query_rows` [n] and `passage_rows` [n] index these,
    `groups` [n] the passage group, `held_out` [n] whether it is validated on.
    """

    queries: IntArray
    passages: IntArray
    query_rows: IntArray
    passage_rows: IntArray
    groups: IntArray
    held_out: BoolArray

    def __len__(self) -> int:
        return len(self.query_rows)

    def write(
        self, folder: Path, chosen: BoolArray, shards: Shards, name: Callable[[int, int], str] | None = None
    ) -> None:
        """Write the arrays of the pairs where `chosen` [n] is true into the folder `folder` of `shards`. `name`: the id
        of a question, from the ids of its query and its passage; None: both with a dash.
        """
        rows = np.flatnonzero(chosen)
        arrays = {
            "question_queries.npy": self.query_rows[rows],
            "question_passages.npy": self.passage_rows[rows],
            "passage_groups.npy": self.groups[rows],
        }
        below = folder.relative_to(shards.folder).as_posix()
        for file, array in arrays.items():
            shards.file(f"{below}/{file}", lambda path, array=array: np.save(path, array))  # type: ignore[misc]
        queries, passages = self.queries[self.query_rows[rows]], self.passages[self.passage_rows[rows]]
        named = name or (lambda query, passage: f"{query}-{passage}")
        ids = (named(query, passage) for query, passage in zip(queries.tolist(), passages.tolist(), strict=True))
        shards.file(f"{below}/question_ids.arrow", lambda path: {"rows": write_texts(path, ids)})

    def summary(self) -> dict[str, int]:
        """Counts, for the run record."""
        return {
            "pairs": len(self),
            "queries": len(self.queries),
            "passages": len(self.passages),
            "groups": len(np.unique(self.groups)),
            "validation_pairs": int(self.held_out.sum()),
        }


def judged_pairs(ids: IntArray, held_out: int) -> JudgedPairs:
    """The pairs of `ids` [n, 2], each once, with groups and at least `held_out` pairs for validation.

    Which groups are held out depends on the ids of their queries alone. Raises UserError where nothing is left to
    train on.
    """
    pairs = np.unique(ids, axis=0) if len(ids) else ids.reshape(0, 2)
    queries, query_rows = np.unique(pairs[:, 0], return_inverse=True)
    passages, passage_rows = np.unique(pairs[:, 1], return_inverse=True)
    groups = passage_groups(query_rows, passage_rows)
    chosen = held_out_pairs(queries[query_rows], groups, held_out)
    if chosen.all():
        raise UserError(
            f"data.validation_questions={held_out}: there are only {len(pairs)} pairs, and nothing would be left to "
            f"train on. Lower it."
        )
    return JudgedPairs(queries, passages, query_rows, passage_rows, groups, chosen)


def passage_groups(query_rows: IntArray, passage_rows: IntArray) -> IntArray:
    """[n] and [n] rows of queries and passages -> [n]: the passage group of each pair."""
    queries, passages = int(query_rows.max(initial=-1)) + 1, int(passage_rows.max(initial=-1)) + 1
    edges = coo_matrix(
        (np.ones(len(query_rows), dtype=bool), (query_rows, queries + passage_rows)), shape=(queries + passages,) * 2
    )
    groups: IntArray = connected_components(edges, directed=False)[1][query_rows].astype(np.int64)
    return groups


def held_out_pairs(query_ids: IntArray, groups: IntArray, wanted: int, name: Callable[[int], str] = str) -> BoolArray:
    """[n]: the pairs of the first groups that hold `wanted` pairs, ordered by a hash of the `name` of their smallest
    query id. `groups` [n] have no gaps.
    """
    count = int(groups.max(initial=-1)) + 1
    smallest = np.full(count, np.iinfo(np.int64).max)
    np.minimum.at(smallest, groups, query_ids)
    order = np.argsort(
        [hashlib.sha256(name(number).encode()).digest()[:8] for number in smallest.tolist()], kind="stable"
    )
    ends = np.cumsum(np.bincount(groups, minlength=count)[order])
    kept = np.zeros(count, dtype=bool)
    kept[order[: int(np.searchsorted(ends, wanted)) + 1]] = True
    return kept[groups]


def read_id_pairs(file: Path, columns: int, advance: Callable[[int], object] = lambda count: None) -> IntArray:
    """[n, 2]: the first two of `columns` whole numbers in each line of a file, with tabs between; repeated pairs once.
    `advance` gets the number of bytes read.

    Raises UserError naming file and line for another number of columns, what is no whole number, and an archive that is
    cut short.
    """
    import pyarrow as pa
    import pyarrow.csv as csv

    names = [f"column {number}" for number in range(columns)]
    options = {
        "read_options": csv.ReadOptions(column_names=names, block_size=BLOCK),
        "parse_options": csv.ParseOptions(delimiter="\t", quote_char=False),
        # Without null values an empty id, or one called NA, is no number; with them it would become one.
        "convert_options": csv.ConvertOptions(
            column_types=dict.fromkeys(names, pa.int64()), include_columns=names[:2], null_values=[]
        ),
    }
    found = np.empty(0, dtype=np.int64)
    try:
        passed = 0
        raw = pa.OSFile(str(file))
        packed = "gzip" if file.name.endswith(".gz") else None
        for batch in csv.open_csv(pa.input_stream(raw, compression=packed), **options):
            reached = raw.tell()
            advance(reached - passed)
            passed = reached
            first, second = (column.to_numpy(zero_copy_only=False) for column in batch.columns)
            if second.max(initial=0) >= 1 << 31 or first.max(initial=0) >= 1 << 31:
                raise UserError(f"{file}: an id of {max(first.max(), second.max())} is larger than any of MS MARCO.")
            if (smallest := min(first.min(initial=0), second.min(initial=0))) < 0:
                raise UserError(f"{file}: the id {smallest} is negative. Fetch the file again.")
            found = np.union1d(found, first.astype(np.int64) << 32 | second.astype(np.int64))
    except (pa.ArrowInvalid, pa.ArrowKeyError, OSError, TypeError) as error:
        raise UserError(
            f"{file}: expected {columns} whole numbers in each line, with tabs between ({str(error).strip()}). Fetch "
            f"the file again."
        ) from error
    if not len(found):
        raise UserError(f"{file} is empty. Fetch the file again.")
    return np.stack([found >> 32, found & 0xFFFFFFFF], axis=1)
