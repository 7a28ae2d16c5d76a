"""The slow twin of `data/tables`: a loop over rows with dictionaries, and files of rows in each format."""

from __future__ import annotations

import csv
import hashlib
import io
import json
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from xxhash import xxh3_64_intdigest

from hybridret.base.records import ParallelPairs

FACTOR, MASK = 0x9E3779B97F4A7C15, (1 << 64) - 1
Row = dict[str, Any]


@dataclass
class Pair:
    id: str
    group: int
    texts: dict[str, tuple[str, str]]
    negatives: dict[str, list[tuple[str, int]]] = field(default_factory=dict)


def hashed(text: str) -> int:
    return xxh3_64_intdigest(text.encode())


def own_hash(language: str, text: str) -> int:
    return (hashed(text) * FACTOR + hashed(language)) & MASK


def twin(files: Sequence[Sequence[Row]], held_out: int, ids: bool, passage_ids: bool) -> tuple[list[Pair], list[Pair]]:
    """Training and validation pairs of rows with `lang`, `q`, `p`, and perhaps `qid`, `pid` and `negatives`."""
    languages = sorted({row["lang"] for rows in files for row in rows})
    ordered: list[tuple[int, str, int, Row]] = []
    for part, rows in enumerate(files):
        for language in languages:
            own = [row for row in rows if row["lang"] == language]
            ordered += [(part, language, at, row) for at, row in enumerate(own)]
    question = {id(row): (row["qid"] if ids else (row["lang"], row["q"])) for *_, row in ordered}
    passage = {id(row): (row["pid"] if passage_ids else (row["lang"], row["p"])) for *_, row in ordered}
    cells: dict[tuple[str, Any, Any], tuple[int, str, int, Row]] = {}
    for one in ordered:
        row = one[3]
        cells.setdefault((row["lang"], question[id(row)], passage[id(row)]), one)
    passages_of = defaultdict(set)
    for language, q, p in cells:
        passages_of[language, q].add(p)
    several = {q for (_, q), found in passages_of.items() if len(found) > 1}
    units: dict[tuple[Any, Any], dict[str, tuple[int, str, int, Row]]] = {}
    for (language, q, p), one in cells.items():
        units.setdefault((q, p if q in several else None), {})[language] = one
    parent: dict[Any, Any] = {}

    def root(node: Any) -> Any:
        while parent.setdefault(node, node) != node:
            node = parent[node]
        return node

    for _, q, p in cells:
        parent[root(("p", p))] = root(("q", q))
    for (language, q, _), (*_, row) in cells.items():
        parent[root(("text", language, row["p"]))] = root(("q", q))
    number: dict[Any, int] = {}
    smallest: dict[Any, int] = {}
    size: dict[Any, int] = defaultdict(int)
    for q, _ in units:
        group = root(("q", q))
        number.setdefault(group, len(number))
        own = hashed(q) if ids else own_hash(*q)
        smallest[group] = min(own, smallest.get(group, MASK))
        size[group] += 1
    held: set[Any] = set()

    def order(one: Any) -> tuple[bool, str]:
        return size[one] > held_out, hashlib.sha256(str(smallest[one]).encode()).hexdigest()

    for group in sorted(size, key=order):
        if sum(size[one] for one in held) >= held_out:
            break
        held.add(group)
    group_of_text = {}
    for (language, q, _), (*_, row) in cells.items():
        key, group = (language, row["p"]), number[root(("q", q))]
        group_of_text[key] = group
    held_texts = {(language, row["p"]) for (language, q, _), (*_, row) in cells.items() if root(("q", q)) in held}
    parts: tuple[list[Pair], list[Pair]] = ([], [])
    for (q, k), found in units.items():
        part, language, at, row = next(iter(found.values()))
        name = f"{language}-{part}-{at}"
        if ids:
            name = str(q)
            if k is not None:
                name += f"-{row['pid']}" if passage_ids else f"-{language}-{part}-{at}"
        group = root(("q", q))
        texts = {one: (row["q"], row["p"]) for one, (*_, row) in found.items()}
        negatives = {
            one: [
                (text, group_of_text.get((one, text), -1))
                for text in row.get("negatives", [])
                if group in held or (one, text) not in held_texts
            ]
            for one, (*_, row) in found.items()
        }
        parts[group in held].append(Pair(name, number[group], texts, negatives))
    return parts


def pairs_of(data: ParallelPairs) -> list[Pair]:
    """What a source gives, in the form of the twin."""
    found = []
    columns = {one: (list(data.queries[one]), list(data.passages[one])) for one in data.languages}
    for number, name in enumerate(data.question_ids):
        texts, negatives = {}, {}
        for language, (queries, passages) in columns.items():
            query, passage = queries[number], passages[number]
            assert (query is None) == (passage is None)
            if query is not None and passage is not None:
                texts[language] = (query, passage)
                own = data.negatives[language][number] if data.negatives else ()
                negatives[language] = [(one.text, one.group) for one in own]
        found.append(Pair(str(name), int(data.passage_groups[number]), texts, negatives))
    return found


def write_tsv(path: Path, rows: Sequence[Row]) -> None:
    names = list(rows[0])
    lines = ["\t".join(names), *("\t".join(str(row[name]) for name in names) for row in rows)]
    path.write_bytes("".join(f"{line}\n" for line in lines).encode())


def write_csv(path: Path, rows: Sequence[Row]) -> None:
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, list(rows[0]), lineterminator="\r\n")
    writer.writeheader()
    writer.writerows(rows)
    path.write_bytes(text.getvalue().encode())


def write_json(path: Path, rows: Sequence[Row]) -> None:
    path.write_bytes("".join(f"{json.dumps(row, ensure_ascii=False)}\n" for row in rows).encode())


def write_parquet(path: Path, rows: Sequence[Row]) -> None:
    pq.write_table(pa.Table.from_pylist(list(rows)), path, row_group_size=7)


WRITERS: Mapping[str, Callable[[Path, Sequence[Row]], None]] = {
    "tsv": write_tsv, "csv": write_csv, "jsonl": write_json, "parquet": write_parquet
}  # fmt: skip
