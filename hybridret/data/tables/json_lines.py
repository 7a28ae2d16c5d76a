"""JSON Lines with any field names as Arrow tables.

Arrow's own reader is used first. A block that it rejects, or that it does not read as one row per line, is read with
Python's `json`, which allows numbers as ids and can name the line of an error.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from hybridret.base.errors import UserError, nearest
from hybridret.data.fields import field_text
from hybridret.data.json_blocks import json_blocks
from hybridret.data.lines import Advance, json_object, no_progress
from hybridret.data.tables.columns import Columns

BLOCK = 1 << 22  # bytes of a block


def json_line_tables(file: Path, columns: Columns, fast: bool = True, advance: Advance = no_progress) -> Iterator[Any]:
    """Tables with the `columns` as large_string, those of negatives as large_string or lists of it, and `row`, the
    number of the line. `fast=False` reads every line with `json`: the same tables, slower. `advance` gets bytes.

    Raises UserError naming file and line for broken JSON, a field that is missing (with the nearest one) or no text,
    text that is not UTF-8, and an archive that is cut short.
    """
    for block in json_blocks(file, BLOCK, advance):
        rows = np.array(block.rows(), dtype=np.int64)
        table = _by_arrow(block.text, len(rows), columns) if fast else None
        if table is None:
            table = _by_line(block.lines, block.before, file, columns)
        yield table.append_column("\0row", [rows])


def _by_arrow(block: bytes, count: int, columns: Columns) -> Any:
    """The table of a block of `count` lines; None if Arrow does not read them as `count` rows."""
    import pyarrow as pa
    from pyarrow.json import ParseOptions, ReadOptions, read_json

    texts = [(name, pa.large_string()) for name in columns.texts]
    schema = pa.schema([*texts, *((name, pa.list_(pa.large_string())) for name in columns.negatives)])
    options = ParseOptions(explicit_schema=schema, unexpected_field_behavior="ignore")
    try:
        table = read_json(pa.BufferReader(block), ReadOptions(use_threads=False, block_size=1 << 24), options)
        table.validate(full=True)  # because the reader itself accepts bytes that are not UTF-8
    except pa.ArrowInvalid:
        return None
    if table.num_rows != count or any(table.column(name).null_count for name in columns.texts):
        return None
    return table.select(schema.names).combine_chunks()


def _by_line(lines: list[bytes], before: int, file: Path, columns: Columns) -> Any:
    import pyarrow as pa

    found: dict[str, list[Any]] = {name: [] for name in (*columns.texts, *columns.negatives)}
    for number, raw in enumerate(lines, before + 1):
        if not raw.strip():
            continue
        where = f"{file}, line {number}"
        row = json_object(raw, where)
        for name in columns.texts:
            if name not in row:
                raise UserError(f"{where}: no {name!r} (data.columns). {nearest(name, row) if row else ''}".rstrip())
            found[name].append("" if row[name] is None else _text(row[name], name, where))
        for name in columns.negatives:
            value = row.get(name)
            listed = [] if value is None else value if isinstance(value, list) else [value]
            found[name].append([_text(one, name, where) for one in listed])
    schema = [(name, pa.large_string()) for name in columns.texts]
    schema += [(name, pa.list_(pa.large_string())) for name in columns.negatives]
    return pa.table([pa.array(found[name], kind) for name, kind in schema], names=list(found))


def _text(value: object, name: str, where: str) -> str:
    text = field_text(value, name, where)
    try:
        text.encode("utf-8")
    except UnicodeEncodeError as error:  # JSON can contain half a surrogate pair; no tokenizer accepts it
        raise UserError(f"{where}: {name!r} holds a character that UTF-8 cannot write.") from error
    return text
