"""`data=hub`: pairs of any dataset on the Hugging Face hub, from its raw files or its parquet files.

No loading script is run, and `datasets` is not asked: files are fetched at a pinned commit and read as they are. The
same files in a folder, fetched with `hf download`, are read without a network.
"""

from __future__ import annotations

import re
from typing import Any

from hybridret.base.errors import UserError
from hybridret.base.ranges import checked
from hybridret.data.tables.columns import USUAL
from hybridret.data.tables.files import Files, globs_by_language, hub_files
from hybridret.data.tables.source import TableSource, ValidationQuestions


@checked("data")
def hub(
    repo: str | None,
    revision: str | None,
    files: Files,
    path: str | None = None,
    columns: dict[str, Any] = USUAL,
    languages: list[str] | None = None,
    rename: dict[str, Any] | None = None,
    parallel: bool = False,
    validation_questions: ValidationQuestions = 2000,
    name: str | None = None,
    licence: str = "not stated",
) -> TableSource:
    """Pairs of a hub dataset; see `TableSource`.

    repo: OWNER/NAME. revision: a commit, 40 hex digits, so that the data cannot change under a run.
    files: patterns of names in the repository, such as 'triplet/train-*.parquet', or patterns by language.
    path: a folder with the same files. None: the hub. name: None: NAME of the repository.
    """
    if not repo or not re.fullmatch(r"[\w.-]+/[\w.-]+", repo):
        raise UserError(f"data.repo={repo!r}: name the dataset as on the hub, OWNER/NAME.")
    if not revision or not re.fullmatch(r"[0-9a-f]{40}", str(revision)):
        raise UserError(
            f"data.revision={revision!r}: give a commit, 40 hex digits, from the history of "
            f"https://huggingface.co/datasets/{repo}/commits/main: a branch would change under your runs."
        )
    globs = globs_by_language(files)
    if not globs:
        raise UserError("data.files is not set: name files of the repository, such as 'train/*.parquet'.")
    return TableSource(
        "hub",
        name or repo.partition("/")[2],
        lambda: hub_files(repo, str(revision), path, globs),
        columns,
        languages,
        rename,
        parallel,
        validation_questions,
        licence,
    )
