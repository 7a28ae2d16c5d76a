"""`data=tsv`: pairs in files of lines with tabs, commas or another character between the columns."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from hybridret.base.errors import UserError
from hybridret.base.ranges import checked
from hybridret.data.tables.columns import USUAL
from hybridret.data.tables.delimited import Dialect
from hybridret.data.tables.files import Files, globs_by_language, local_files
from hybridret.data.tables.source import TableSource, ValidationQuestions

ENDINGS = (".tsv", ".txt", ".csv")


@checked("data")
def tsv(
    path: str | None,
    files: Files = None,
    columns: dict[str, Any] = USUAL,
    header: bool = True,
    delimiter: str = "\t",
    quoted: bool = False,
    languages: list[str] | None = None,
    rename: dict[str, Any] | None = None,
    parallel: bool = False,
    validation_questions: ValidationQuestions = 2000,
    name: str = "tsv",
    licence: str = "not stated",
) -> TableSource:
    """Pairs of .tsv, .txt or .csv, plain or .gz; see `TableSource`.

    path: a file, or a folder with the files. files: patterns in the folder, or patterns by language; None: all.
    header: whether the first line names the columns; without it they are 1, 2, ... in `columns`.
    delimiter: one character. quoted: whether columns may stand in quotation marks, as in most .csv files; else a
        quotation mark is text.
    """
    if not path:
        raise UserError("data.path is not set: give the file or the folder with the rows of the pairs.")
    if len(delimiter) != 1 or delimiter in '"\r\n' or not delimiter.isascii():
        raise UserError(f"data.delimiter={delimiter!r} must be one character, such as ',', and no quotation mark.")
    globs = globs_by_language(files)
    return TableSource(
        "tsv",
        name,
        lambda: local_files(Path(path), globs, ENDINGS),
        columns,
        languages,
        rename,
        parallel,
        validation_questions,
        licence,
        Dialect(delimiter, header, quoted),
    )
