"""`data=json_rows`: pairs in JSON Lines with any field names.

`data=jsonl` is another source: its fields have fixed names, and it holds test sets out.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from hybridret.base.errors import UserError
from hybridret.base.ranges import checked
from hybridret.data.tables.columns import USUAL
from hybridret.data.tables.files import Files, globs_by_language, local_files
from hybridret.data.tables.source import TableSource, ValidationQuestions

ENDINGS = (".jsonl", ".json", ".ndjson")


@checked("data")
def json_rows(
    path: str | None,
    files: Files = None,
    columns: dict[str, Any] = USUAL,
    languages: list[str] | None = None,
    rename: dict[str, Any] | None = None,
    parallel: bool = False,
    validation_questions: ValidationQuestions = 2000,
    name: str = "json_rows",
    licence: str = "not stated",
) -> TableSource:
    """Pairs of JSON Lines, plain or .gz; see `TableSource`.

    path: a file, or a folder with the files. files: patterns in the folder, or patterns by language; None: all.
    """
    if not path:
        raise UserError("data.path is not set: give the file or the folder with the rows of the pairs.")
    globs = globs_by_language(files)
    return TableSource(
        "json_rows",
        name,
        lambda: local_files(Path(path), globs, ENDINGS),
        columns,
        languages,
        rename,
        parallel,
        validation_questions,
        licence,
    )
