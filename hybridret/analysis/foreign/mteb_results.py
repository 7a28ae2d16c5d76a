"""Result files of mteb, as versions 2.x and 1.x write them:

    2.x, 1.11 and later   {"task_name": T, "scores": {SPLIT: [{"hf_subset": S, "languages": [...], "ndcg_at_10": v}]}}
    1.x before 1.11       {"mteb_dataset_name": T, SPLIT: {S: {"ndcg_at_10": v}, "evaluation_time": t}}, without S where
                          there is one subset

They hold one average per subset. A metric may also hold an object from query ids to numbers; then the values of single
queries are known, and their mean is the average.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from hybridret.analysis.foreign.questions import ALL
from hybridret.base.errors import UserError
from hybridret.base.files import read_json
from hybridret.base.languages import canonical_language
from hybridret.metrics.metric import CROSS_LINGUAL, MONOLINGUAL, MULTILINGUAL, SETTINGS

NAMES = {"hit_rate": "success"}  # metrics with another name here
NO_METRICS = ("hf_subset", "languages", "evaluation_time", "mteb_version", "num_queries")
MAIN = "main_score"  # of any task, whatever its metric
UNCERTAINTY = "nauc_"  # how well a score's own confidence orders the queries: no quality
CONTEXT_FIRST = ("MLQARetrieval",)  # its pairs name the language of the passages first
CELLS = ("dataset", "split", "subset", "setting", "query_language", "corpus_language", "metric", "cutoff")
SHAPE = (
    'This is no result file of mteb: expected an object with "task_name" and "scores" (mteb 1.11 and later), or with '
    '"mteb_dataset_name" and a split (earlier versions)'
)


@dataclass(frozen=True)
class MtebResult:
    """One file. averages: `CELLS`, value and num_queries (0: not recorded), a row each. queries: `CELLS`, query_id and
    value, without any row where the file has no values of single queries."""

    path: Path
    task: str
    averages: pd.DataFrame
    queries: pd.DataFrame


def read_mteb_result(path: Path) -> MtebResult:
    """Read one result file. Raises UserError, naming the file and the key, for broken JSON, another shape, a value that
    is no finite number, and a file without any metric."""
    path = Path(path)
    found = read_json(path)
    if not isinstance(found, dict):
        raise UserError(f"{path}: {SHAPE}; found a {type(found).__name__}. Name a file like results/MODEL/TASK.json.")
    task = found.get("task_name", found.get("mteb_dataset_name"))
    if not isinstance(task, str) or not task:
        keys = ", ".join(list(map(str, found))[:6]) or "nothing"
        raise UserError(f"{path}: {SHAPE}; found {keys}. Name a file like results/MODEL/TASK.json.")
    averages: list[tuple[Any, ...]] = []
    queries: list[tuple[Any, ...]] = []
    for split, subsets in _splits(found, path).items():
        cells = _cells(task, subsets)
        for subset, scores in subsets.items():
            for name, value in scores.items():
                metric = _metric(name)
                if metric is None:
                    continue
                where = f"{path}: {split}, subset {subset}, {name}"
                cell = (split, subset, *cells[subset], *metric)
                if isinstance(value, Mapping):
                    own = {str(query): _number(one, f"{where}, query {query}") for query, one in value.items()}
                    if not own:
                        raise UserError(f"{where}: expected values of queries, found none. Evaluate the task again.")
                    queries.extend((*cell, query, one) for query, one in own.items())
                    averages.append((*cell, sum(own.values()) / len(own), len(own)))
                else:
                    averages.append((*cell, _number(value, where), _count(scores, path)))
    if not averages:
        raise UserError(f"{path}: no subset has a metric such as ndcg_at_10. Evaluate the task again.")
    name, _ = _own_setting(task)
    head, *rest = CELLS
    return MtebResult(
        path,
        task,
        pd.DataFrame([(name, *row) for row in averages], columns=[head, *rest, "value", "num_queries"]),
        pd.DataFrame([(name, *row) for row in queries], columns=[head, *rest, "query_id", "value"]),
    )


def _splits(found: dict[str, Any], path: Path) -> dict[str, dict[str, dict[str, Any]]]:
    """Split -> subset -> its scores, `languages` among them where the file has them."""
    if "task_name" in found:
        scores = found.get("scores")
        if not isinstance(scores, dict) or not all(isinstance(entries, list) for entries in scores.values()):
            raise UserError(f'{path}: "scores" must be an object from splits to lists of subsets. Write it again.')
        read: dict[str, dict[str, dict[str, Any]]] = {}
        for split, entries in scores.items():
            for entry in entries:
                if not isinstance(entry, dict) or not isinstance(entry.get("hf_subset"), str):
                    raise UserError(f'{path}: {split}: each subset is an object with "hf_subset". Write it again.')
                if entry["hf_subset"] in read.setdefault(split, {}):
                    raise UserError(
                        f"{path}: {split}: the subset {entry['hf_subset']!r} stands twice. Keep one of them."
                    )
                read[split][entry["hf_subset"]] = entry
        return read
    splits = {key: value for key, value in found.items() if isinstance(value, dict)}
    whole = {split: {k: v for k, v in value.items() if k not in NO_METRICS} for split, value in splits.items()}
    if any(_metric(name) is not None for own in whole.values() for name in own):
        return {split: {"default": own} for split, own in whole.items()}
    return {
        split: {subset: scores for subset, scores in own.items() if isinstance(scores, dict)}
        for split, own in whole.items()
    }


def _cells(task: str, subsets: Mapping[str, Mapping[str, Any]]) -> dict[str, tuple[str, str, str]]:
    """Setting, language of the queries and of the passages, by subset. Subsets of the same languages, or of none or
    more than two, go by their own names."""
    _, own = _own_setting(task)
    read = {subset: _languages(subset, scores) for subset, scores in subsets.items()}
    cells = {}
    for subset, languages in read.items():
        if not 1 <= len(languages) <= 2 or list(read.values()).count(languages) > 1:
            languages = (ALL if subset == "default" else subset,)
        first, last = languages[0], languages[-1]
        setting = own or (CROSS_LINGUAL if first != last else MONOLINGUAL)
        if setting == MULTILINGUAL:
            last = ALL
        cells[subset] = (setting, last, first) if task in CONTEXT_FIRST else (setting, first, last)
    return cells


def _own_setting(task: str) -> tuple[str, str | None]:
    """The data set and setting of a task that `hybridret` wrote, else the task and None."""
    for setting in SETTINGS:
        if task.endswith(f"_{setting}"):
            return task.removesuffix(f"_{setting}"), setting
    return task, None


def _languages(subset: str, scores: Mapping[str, Any]) -> tuple[str, ...]:
    listed = scores.get("languages")
    codes = [one for one in listed if isinstance(one, str)] if isinstance(listed, list) else [subset]
    return tuple(canonical_language(code) or code for code in codes if code != "default")


def _metric(name: str) -> tuple[str, int] | None:
    """`ndcg_at_10` -> (ndcg, 10), `main_score` -> (main_score, 0); None for what is no metric of retrieval."""
    if name == MAIN:
        return MAIN, 0
    found = re.fullmatch(r"([A-Za-z_]+)_at_(\d{1,9})", name)
    if found is None or name.startswith(UNCERTAINTY):
        return None
    return NAMES.get(found[1], found[1]), int(found[2])


def _number(value: object, where: str) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise UserError(f"{where}: {str(value)[:40]!r} is no finite number. Evaluate the task again.")
    return float(value)


def _count(scores: Mapping[str, Any], path: Path) -> int:
    found = scores.get("num_queries") or 0
    if isinstance(found, bool) or not isinstance(found, int):
        raise UserError(f"{path}: num_queries: {str(found)[:40]!r} is no whole number. Evaluate the task again.")
    return found
