"""Files of lines with tabs, or another delimiter, between the columns, as Arrow tables.

Without quoting a line ends at a line feed only, and every tab separates: quotation marks, U+2028 and the other
separators that Python's `splitlines` knows are text. So lines are cut here, by array operations on the bytes; Arrow's
own reader, which also ends lines at a carriage return, reads quoted files.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import numpy as np

from hybridret.base.errors import UserError
from hybridret.data.lines import (
    Advance,
    broken_archives,
    decoded,
    line_blocks,
    no_progress,
    numbered_lines,
    open_bytes,
    report_bytes,
)
from hybridret.data.tables.columns import Columns

BLOCK = 1 << 22  # bytes of a block; it is extended to the end of its last line


@dataclass(frozen=True)
class Dialect:
    """delimiter: one character. header: whether the first line names the columns; else they are called 1, 2, ...
    quoted: whether a column may stand in quotation marks, with delimiters and line ends in it.
    """

    delimiter: str = "\t"
    header: bool = True
    quoted: bool = False


def delimited_tables(file: Path, columns: Columns, dialect: Dialect, advance: Advance = no_progress) -> Iterator[Any]:
    """Tables with the `columns` as large_string and `row`, the number of the line (quoted: of the row), from 1.
    `advance` gets the bytes that were read.

    Raises UserError naming file and line for a line with another number of columns, text that is not UTF-8, and an
    archive that is cut short; and for a column that is missing.
    """
    with broken_archives(file), open_bytes(file) as stream:
        yield from (_quoted if dialect.quoted else _plain)(file, stream, columns, dialect, advance)


def _plain(file: Path, stream: IO[bytes], columns: Columns, dialect: Dialect, advance: Advance) -> Iterator[Any]:
    import pyarrow as pa
    import pyarrow.compute as compute

    passed, names = 0, list[str]()
    for block, line in line_blocks(stream, file, BLOCK):
        ends = np.flatnonzero(np.frombuffer(block, np.uint8) == 10) + 1
        if not len(ends) or ends[-1] < len(block):
            ends = np.append(ends, len(block))
        bounds = pa.py_buffer(np.concatenate([[0], ends]).astype(np.int64))
        lines = pa.LargeStringArray.from_buffers(len(ends), bounds, pa.py_buffer(block))
        try:
            lines.validate(full=True)
        except pa.ArrowInvalid:
            _name_what_is_not_utf8(file)
            raise
        lines = compute.ascii_rtrim(lines, "\r\n")
        rows = np.arange(line + 1, line + len(ends) + 1)
        if not names:
            first = decoded(block[: ends[0]], f"{file}, line 1").split(dialect.delimiter)
            names = [name.strip() for name in first] if dialect.header else [str(1 + n) for n in range(len(first))]
            columns.check(names, file)
            if dialect.header:
                lines, rows = lines[1:], rows[1:]
        filled = compute.greater(compute.binary_length(lines), 0)
        if not compute.all(filled, min_count=0).as_py():
            lines, rows = lines.filter(filled), rows[filled.to_numpy(zero_copy_only=False)]
        cells = compute.split_pattern(lines, dialect.delimiter)
        counts = compute.list_value_length(cells).to_numpy(zero_copy_only=False)
        if (wrong := np.flatnonzero(counts != len(names))).size:
            found, what = counts[wrong[0]], "tabs" if dialect.delimiter == "\t" else repr(dialect.delimiter)
            raise UserError(
                f"{file}, line {rows[wrong[0]]}: {found} columns where {len(names)} are expected, so there are too "
                f"{'few' if found < len(names) else 'many'} {what}. Correct the line, or set data.quoted=true where "
                f"columns stand in quotation marks."
            )
        values, start = cells.values, len(names) * np.arange(len(lines))
        first_value = cells.offsets[0].as_py() if len(lines) else 0
        table = {name: values.take(pa.array(start + first_value + names.index(name))) for name in columns.texts}
        table |= {name: values.take(pa.array(start + first_value + names.index(name))) for name in columns.negatives}
        yield pa.table({**{name: column.cast(pa.large_string()) for name, column in table.items()}, "\0row": rows})
        passed = report_bytes(stream, passed, advance)


def _quoted(file: Path, stream: IO[bytes], columns: Columns, dialect: Dialect, advance: Advance) -> Iterator[Any]:
    import pyarrow as pa
    import pyarrow.csv as csv

    wrong: list[Any] = []

    def refuse(row: Any) -> str:
        wrong.append(row)
        return "error"

    options = {
        "read_options": csv.ReadOptions(
            use_threads=False, block_size=BLOCK, autogenerate_column_names=not dialect.header
        ),
        "parse_options": csv.ParseOptions(
            delimiter=dialect.delimiter, newlines_in_values=True, invalid_row_handler=refuse
        ),
    }
    row, passed = int(dialect.header), 0
    try:
        with open_bytes(file) as first, csv.open_csv(first, **options) as reader:  # a reader reads ahead: not `stream`
            given = reader.schema.names
        names = [name.strip() if dialect.header else str(1 + n) for n, name in enumerate(given)]
        columns.check(names, file)
        wanted = [given[names.index(name)] for name in (*columns.texts, *columns.negatives)]
        convert = csv.ConvertOptions(
            column_types=dict.fromkeys(wanted, pa.large_string()), include_columns=wanted, strings_can_be_null=False
        )
        with csv.open_csv(stream, **options, convert_options=convert) as reader:
            for batch in reader:
                rows = np.arange(row + 1, row + batch.num_rows + 1)
                row += batch.num_rows
                arrays = dict(zip((*columns.texts, *columns.negatives), batch.columns, strict=True))
                yield pa.table({**arrays, "\0row": rows})
                passed = report_bytes(stream, passed, advance)
    except pa.ArrowInvalid as error:
        _name_what_is_not_utf8(file)
        reason = str(error).strip().splitlines()[0]
        if wrong:
            found = wrong[0]
            reason = f"{found.actual_columns} columns where {found.expected_columns} are expected"
            row = (found.number or row + 1) - 1
        raise UserError(
            f"{file}, row {row + 1} or later: {reason}. Correct the file; data.quoted=false reads quotation marks as "
            f"text, and data.delimiter names what separates the columns."
        ) from error


def _name_what_is_not_utf8(file: Path) -> None:
    """Raise UserError for the first line that is not UTF-8, if there is one."""
    for line, raw in numbered_lines(file):
        decoded(raw, f"{file}, line {line}")
