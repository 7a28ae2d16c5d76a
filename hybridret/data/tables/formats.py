"""A file of any known format as Arrow tables of the columns that are asked for."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from hybridret.base.errors import UserError
from hybridret.data.lines import Advance, no_progress
from hybridret.data.tables.columns import Columns
from hybridret.data.tables.delimited import Dialect, delimited_tables
from hybridret.data.tables.json_lines import json_line_tables

ROW = "\0row"  # a name that no file's column has: the number of the line, or of the row
ROWS = 1 << 13  # rows of parquet that are read at a time
ENDINGS = (".parquet", ".jsonl", ".json", ".ndjson", ".tsv", ".txt", ".csv")


def ending(file: Path) -> str:
    """The part of the name that says what a file holds, "" for one that is not known."""
    name = file.name.lower().removesuffix(".gz")
    return next((one for one in ENDINGS if name.endswith(one)), "")


def table_stream(
    file: Path, columns: Columns, dialect: Dialect | None = None, advance: Advance = no_progress
) -> Iterator[Any]:
    """Tables of the `columns` and `ROW` of a file, by the ending of its name. Texts are large_string without nulls;
    columns of negatives may be lists.

    dialect: None: a header, commas and quoting in .csv, tabs and no quoting in others.
    advance: gets the bytes of the file that were read since its last call.

    Raises UserError naming the file, and the line where there are lines.
    """
    kind = ending(file)
    if kind == ".parquet":
        return parquet_stream(file, columns, advance)
    if kind in (".jsonl", ".json", ".ndjson"):
        return json_line_tables(file, columns, advance=advance)
    if kind:
        usual = Dialect(",", quoted=True) if kind == ".csv" else Dialect()
        return delimited_tables(file, columns, dialect or usual, advance)
    raise UserError(f"{file}: what it holds is not known from its name. Known: {', '.join(ENDINGS)}, plain or .gz.")


def parquet_stream(file: Path, columns: Columns, advance: Advance = no_progress) -> Iterator[Any]:
    """As `table_stream`, of parquet; columns may be of any of Arrow's text types, or whole numbers."""
    import pyarrow as pa
    import pyarrow.compute as compute
    from pyarrow.parquet import ParquetFile

    row, size, passed = 0, file.stat().st_size, 0
    try:
        with ParquetFile(file, pre_buffer=False, buffer_size=1 << 20) as source:
            columns.check(source.schema_arrow.names, file)
            names = [*columns.texts, *(name for name in columns.negatives if name not in columns.texts)]
            for batch in source.iter_batches(batch_size=ROWS, columns=names, use_threads=False):
                arrays = {}
                for name in names:
                    array = batch.column(name)
                    if pa.types.is_dictionary(array.type):
                        array = array.dictionary_decode()
                    if name in columns.negatives and _is_list(array.type) and _is_text(array.type.value_type):
                        arrays[name] = array.cast(pa.large_list(pa.large_string()))
                    elif _is_text(array.type):
                        arrays[name] = compute.fill_null(array.cast(pa.large_string()), "")
                    else:
                        raise UserError(f"{file}: column {name!r} must hold text, not {array.type}.")
                    arrays[name].validate(full=True)
                yield pa.table({**arrays, ROW: np.arange(row + 1, row + batch.num_rows + 1)})
                row += batch.num_rows
                reached = size * row // source.metadata.num_rows
                advance(reached - passed)
                passed = reached
    except pa.ArrowInvalid as error:
        if "UTF8" in str(error):
            raise UserError(
                f"{file}, row {row + 1} or one of the next {ROWS}: text that is not UTF-8. Write the file "
                "again with text in UTF-8."
            ) from error
        raise UserError(f"{file} cannot be read as parquet ({str(error).strip()}). Fetch the file again.") from error
    except OSError as error:
        reason = str(error).strip().splitlines()[0]
        raise UserError(f"{file} cannot be read as parquet ({reason}). Fetch the file again.") from error


def _is_list(kind: Any) -> bool:
    import pyarrow as pa

    return bool(pa.types.is_list(kind) or pa.types.is_large_list(kind))


def _is_text(kind: Any) -> bool:
    import pyarrow as pa

    plain = pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind)
    return bool(plain or pa.types.is_integer(kind) or pa.types.is_null(kind))
