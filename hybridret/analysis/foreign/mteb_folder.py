"""The results of one model as mteb stores them, and the frames that statistics take from them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from hybridret.analysis.foreign.mteb_results import MtebResult, read_mteb_result
from hybridret.analysis.foreign.questions import ALL, Asked
from hybridret.analysis.foreign.rows import MACRO
from hybridret.analysis.question_values import COLUMNS
from hybridret.base.errors import UserError
from hybridret.base.files import read_json

META = "model_meta.json"
NOT_RESULTS = ("_predictions.json",)  # what mteb writes beside results, by the end of the name


def mteb_files(path: Path) -> list[Path]:
    """The result files in `path`: itself, or all in the folder of one revision of a model, by name.

    Raises UserError where there is none, and for a folder with several models or revisions.
    """
    path = Path(path)
    if not path.is_dir():
        return [path]
    files = [one for one in sorted(path.rglob("*.json")) if one.name != META and not one.name.endswith(NOT_RESULTS)]
    if not files:
        raise UserError(f"{path} holds no result file of mteb. Name the folder of a model and revision.")
    if len(folders := {one.parent for one in files}) > 1:
        first, second, *_ = sorted(folders)
        raise UserError(
            f"{path} holds the results of several models or revisions ({first.name}, {second.name}). Name one folder "
            f"for each, as in --mteb {first} {second}."
        )
    return files


def model_name(path: Path) -> str:
    """The name of the model whose results `path` holds: that in model_meta.json beside them, else that of the file or
    folder."""
    path = Path(path)
    meta = (path if path.is_dir() else path.parent) / META
    if not meta.is_file():
        nested = sorted(path.rglob(META)) if path.is_dir() else []
        if not nested:
            return path.stem if path.is_file() else path.name
        meta = nested[0]
    found = read_json(meta)
    name = found.get("name") if isinstance(found, dict) else None
    return name if isinstance(name, str) and name else path.stem


def read_mteb(path: Path) -> list[MtebResult]:
    """All results in `path` (`mteb_files`). Raises UserError as `read_mteb_result`, and for a task twice."""
    read = [read_mteb_result(file) for file in mteb_files(path)]
    by_task: dict[str, Path] = {}
    for one in read:
        if one.task in by_task:
            raise UserError(f"{one.path}: the task {one.task} stands in {by_task[one.task]}, too. Keep one of them.")
        by_task[one.task] = one.path
    return read


def one_split(rows: pd.DataFrame) -> pd.DataFrame:
    """Rows whose `dataset` names the split too, where its task has several."""
    splits = rows.groupby("dataset")["split"].transform("nunique")
    named = rows["dataset"] + " " + rows["split"]
    return rows.assign(dataset=rows["dataset"].mask(splits > 1, named))


def macro_values(results: Sequence[MtebResult]) -> pd.DataFrame:
    """One row for each task, split, setting and metric: the mean over subsets, of equal weights, and their number."""
    rows = pd.concat([one.averages for one in results], ignore_index=True)
    keys = ["dataset", "split", "setting", "metric", "cutoff"]
    return rows.groupby(keys, sort=False).agg(value=("value", "mean"), subsets=("subset", "size")).reset_index()


def language_rows(averages: pd.DataFrame) -> pd.DataFrame:
    """Averages of subsets as rows for `question_values` whose units are LANGUAGES (or pairs of them), not questions.

    All that a paired test can then say is whether one model is better in more languages, or by more, than another;
    how sure each average is by itself is not in such files. Rows of the language `macro` are left out.
    """
    rows = averages[averages["query_language"] != MACRO]
    queries, passages = rows["query_language"], rows["corpus_language"]
    unit = queries.where((passages == queries) | (passages == ALL), queries + "-" + passages)
    return rows.assign(question=unit, query_language=ALL, corpus_language=ALL)[list(COLUMNS)].reset_index(drop=True)


def query_rows(queries: pd.DataFrame, asked: Asked | None = None) -> pd.DataFrame:
    """Values of single queries as rows for `question_values`. The question is what `asked` finds in the id; without it
    every query of a subset is a question of its own, since subsets may number unrelated queries alike."""
    if asked is None:
        question = queries["subset"] + "/" + queries["query_id"]
    else:
        known = asked(list(dict.fromkeys(queries["query_id"])))
        question = queries["query_id"].map(known.set_index("query_id")["question"])
    return queries.assign(question=question)[["query_id", *COLUMNS]].reset_index(drop=True)
