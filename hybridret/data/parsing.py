"""Files to Arrow tables of string columns, block by block: memory does not grow with the file.

Arrow's own JSON reader is used first. A block that it rejects, or that it does not read as one row per line, is read
with Python's `json`, which allows numbers as ids and can name the line of an error.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from hybridret.base.errors import UserError
from hybridret.data.fields import field_text, is_number, without
from hybridret.data.json_blocks import json_blocks
from hybridret.data.lines import Advance, json_object, no_progress

BLOCK = 1 << 24  # bytes of a block
ROWS = 1 << 14  # rows of a block of parquet
Required = bool | str  # whether a row must have a field; a name: only if it lacks the field of that name


def file_tables(
    file: Path, columns: Mapping[str, Required], advance: Advance = no_progress
) -> Iterator[tuple[Any, int]]:
    """`json_tables` or `parquet_tables`, by the name of the file. `advance` gets the bytes that were read of it."""
    if file.name.endswith(".parquet"):
        return parquet_tables(file, columns, advance)
    return json_tables(file, columns, advance=advance)


def json_tables(
    file: Path, columns: Mapping[str, Required], fast: bool = True, advance: Advance = no_progress
) -> Iterator[tuple[Any, int]]:
    """Tables of the `columns` (name -> required) and how many of their values were numbers.

    `fast=False` reads every line with `json`: the same tables, slower.

    Raises UserError naming file and line.
    """
    for block in json_blocks(file, BLOCK, advance):
        table = _by_arrow(block.text, len(block.rows()), columns) if fast else None
        yield (table, 0) if table is not None else _by_line(block.lines, block.before, file, columns)


def parquet_tables(
    file: Path, columns: Mapping[str, Required], advance: Advance = no_progress
) -> Iterator[tuple[Any, int]]:
    """As `json_tables`, from parquet; columns may be of any of Arrow's text types. Raises UserError naming the row."""
    import pyarrow as pa
    import pyarrow.compute as compute
    from pyarrow.parquet import ParquetFile

    row = passed = 0
    try:
        size = file.stat().st_size
        with ParquetFile(file) as source:
            names = source.schema_arrow.names
            if missing := [name for name, required in columns.items() if required and name not in names]:
                raise UserError(f"{file} lacks the columns {', '.join(missing)}; it has {', '.join(names)}.")
            present = [name for name in columns if name in names]
            for batch in source.iter_batches(batch_size=ROWS, columns=present):
                numbers, arrays = 0, []
                for name, required in columns.items():
                    if name not in present:
                        arrays.append(pa.array([""] * batch.num_rows, pa.string()))
                        continue
                    array = batch.column(name)
                    if pa.types.is_integer(array.type):
                        numbers += len(array) - array.null_count
                    elif not _is_text(array.type):
                        raise UserError(f"{file}: column {name!r} must hold text, not {array.type}.")
                    lacking = array.is_null()
                    if isinstance(required, str) and required in present:
                        other = batch.column(required).cast(pa.string()).fill_null("")
                        lacking = compute.and_(lacking, compute.equal(compute.utf8_trim_whitespace(other), ""))
                    if required and compute.any(lacking).as_py():
                        position = lacking.to_pylist().index(True)
                        raise UserError(f"{file}, row {row + position + 1}: {name!r} is null.")
                    arrays.append(array.cast(pa.string()).fill_null(""))
                row += batch.num_rows
                yield _cleaned(pa.table(arrays, names=list(columns))), numbers
                reached = size * row // source.metadata.num_rows
                advance(reached - passed)
                passed = reached
    except (pa.ArrowInvalid, OSError) as error:
        raise UserError(f"{file} cannot be read as parquet ({error}). Fetch the file again.") from error


def _by_arrow(block: bytes, count: int, columns: Mapping[str, Required]) -> Any:
    """The table of a block of `count` lines; None if Arrow does not read them as `count` rows."""
    import pyarrow as pa
    from pyarrow.json import ParseOptions, read_json

    schema = pa.schema([(name, pa.string()) for name in columns])
    options = ParseOptions(explicit_schema=schema, unexpected_field_behavior="ignore")
    try:
        table = read_json(pa.BufferReader(block), parse_options=options)
        table.validate(full=True)  # because the reader itself accepts bytes that are not UTF-8
    except pa.ArrowInvalid:
        return None
    if table.num_rows != count or any(table.column(name).null_count for name, required in columns.items() if required):
        return None
    return _cleaned(pa.table([table.column(name).fill_null("") for name in columns], schema=schema))


def _by_line(lines: list[bytes], before: int, file: Path, columns: Mapping[str, Required]) -> tuple[Any, int]:
    import pyarrow as pa

    found: dict[str, list[str]] = {name: [] for name in columns}
    numbers = 0
    for number, raw in enumerate(lines, before + 1):
        if not raw.strip():
            continue
        where = f"{file}, line {number}"
        row = json_object(raw, where)
        for name, required in columns.items():
            value = row.get(name)
            if value is None:
                if required and not (isinstance(required, str) and str(row.get(required) or "").strip()):
                    raise UserError(without(name, row, where))
                value = ""
            numbers += is_number(value)
            found[name].append(field_text(value, name, where))
    try:
        arrays = [pa.array(values, pa.string()) for values in found.values()]
    except UnicodeEncodeError:
        raise UserError(_half_character(lines, before, file, columns)) from None
    return _cleaned(pa.table(arrays, names=list(columns))), numbers


def _half_character(lines: list[bytes], before: int, file: Path, columns: Mapping[str, Required]) -> str:
    """The error message about half a surrogate pair, which JSON can contain but no tokenizer accepts."""
    for number, raw in enumerate(lines, before + 1):
        if raw.strip():
            row = json_object(raw, "")
            for name in columns:
                try:
                    str(row.get(name, "")).encode()
                except UnicodeEncodeError:
                    return f"{file}, line {number}: {name!r} holds a character that UTF-8 cannot write."
    raise AssertionError("no text with half a character")


def _cleaned(table: Any) -> Any:
    """Texts of white space only become "", so that empty texts are recognised by their length."""
    import pyarrow as pa
    import pyarrow.compute as compute

    columns = []
    for column in table.columns:
        blank = compute.utf8_is_space(column)
        columns.append(compute.if_else(blank, "", column) if compute.any(blank).as_py() else column)
    return pa.table(columns, names=table.column_names)


def _is_text(kind: Any) -> bool:
    import pyarrow as pa

    if pa.types.is_dictionary(kind):
        kind = kind.value_type
    plain = pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind)
    return bool(plain or pa.types.is_integer(kind) or pa.types.is_null(kind))
