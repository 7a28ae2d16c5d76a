"""`data=parquet`: pairs in parquet files."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from hybridret.base.errors import UserError
from hybridret.base.ranges import checked
from hybridret.data.tables.columns import USUAL
from hybridret.data.tables.files import Files, globs_by_language, local_files
from hybridret.data.tables.source import TableSource, ValidationQuestions

ENDINGS = (".parquet",)


@checked("data")
def parquet(
    path: str | None,
    files: Files = None,
    columns: dict[str, Any] = USUAL,
    languages: list[str] | None = None,
    rename: dict[str, Any] | None = None,
    parallel: bool = False,
    validation_questions: ValidationQuestions = 2000,
    name: str = "parquet",
    licence: str = "not stated",
) -> TableSource:
    """Pairs of .parquet; see `TableSource`.

    path: a file, or a folder with the files. files: patterns in the folder, or patterns by language; None: all.
    """
    if not path:
        raise UserError("data.path is not set: give the file or the folder with the rows of the pairs.")
    globs = globs_by_language(files)
    return TableSource(
        "parquet",
        name,
        lambda: local_files(Path(path), globs, ENDINGS),
        columns,
        languages,
        rename,
        parallel,
        validation_questions,
        licence,
    )
