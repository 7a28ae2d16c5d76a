"""Read the values of single queries that an evaluation wrote: `queries.parquet` (docs/architecture.md)."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from hybridret.base.errors import UserError
from hybridret.runs.sums import check_sum

KEYS = ("dataset", "setting", "query_language", "corpus_language", "metric", "cutoff")
QUERY_COLUMNS = (*KEYS, "query_id", "question", "value")


def read_queries(
    path: Path, columns: Sequence[str] = QUERY_COLUMNS, where: Sequence[Sequence[tuple[str, str, Any]]] = ()
) -> pd.DataFrame:
    """A `queries.parquet`, or some of its columns, or the rows for which all conditions of one of `where` hold.

    Raises UserError if it is missing, broken or changed.
    """
    if not path.is_file():
        raise UserError(f"{path} is missing. Evaluate the run again to write it anew.")
    check_sum(path)
    try:
        table = pd.read_parquet(path, columns=list(columns), filters=[list(one) for one in where] or None)
    except (OSError, ValueError) as error:  # pyarrow's errors are ValueErrors
        raise UserError(
            f"Cannot read {path}: {str(error).rstrip('.')}. Evaluate the run again to write it anew."
        ) from error
    return with_columns(table, columns, path)


def with_columns(table: pd.DataFrame, columns: Sequence[str], path: Path) -> pd.DataFrame:
    """`table` itself. Raises UserError where it lacks one of `columns`."""
    if missing := [name for name in columns if name not in table.columns]:
        raise UserError(f"{path}: the column {missing[0]!r} is missing. Evaluate the run again to write it anew.")
    return table
