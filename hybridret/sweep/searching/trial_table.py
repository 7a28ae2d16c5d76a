"""The trials of all searches of a folder as one table, with the best of each, and the lines printed at the end."""

from __future__ import annotations

import re
import shlex
from collections.abc import Sequence
from typing import TextIO

import numpy as np
import pandas as pd

from hybridret.analysis.pareto import pareto_front
from hybridret.base.markup import printable
from hybridret.runs.search_table import COMMAND, COMPLETE, FAILED, HEAD, PARAMS, PER, PRUNED, VALUES
from hybridret.sweep.searching.objectives import Objective
from hybridret.sweep.searching.search import Search, SearchTrial


def trial_table(searches: Sequence[Search], objectives: Sequence[Objective]) -> pd.DataFrame:
    """The rows of search.csv, and `command`."""
    rows = [row for number, one in enumerate(searches, 1) for row in _rows(number, one, objectives)]
    names = dict.fromkeys(
        [
            *HEAD,
            *(f"{PER}{_name(key)}" for one in searches for key in one.combination),
            *(f"{PARAMS}{_name(dimension.key)}" for one in searches for dimension in one.dimensions),
            *(f"{VALUES}{one.name}" for one in objectives),
            COMMAND,
        ]
    )
    return pd.DataFrame(rows, columns=list(names))


def front_of(trials: Sequence[SearchTrial], objectives: Sequence[Objective]) -> set[int]:
    """The numbers of the trials that no other one beats: of one objective the first best; each run once."""
    complete = [one for one in trials if one.state == COMPLETE]
    if not complete:
        return set()
    values = np.array([one.values for one in complete], dtype=np.float64)
    kept = pareto_front(values, [not one.lower for one in objectives])
    first: dict[str, int] = {}
    for one, best in zip(complete, kept, strict=True):
        if best and (len(objectives) > 1 or not first):
            first.setdefault(one.run, one.number)
    return set(first.values())


def print_best(frame: pd.DataFrame, searches: Sequence[Search], stream: TextIO) -> None:
    """Counts of each search, its best trial or its front, how to train with it, and what to beware of."""
    for number, search in enumerate(searches, 1):
        own = frame[frame["search"] == number]
        counts = own["state"].value_counts()
        states = ", ".join(f"{counts[name]} {name}" for name in (COMPLETE, PRUNED, FAILED) if name in counts)
        what = " ".join(f"{key}={value}" for key, value in search.combination.items()) or "search"
        lines = [f"{what}: {len(own)} trials ({states})"]
        best = own[own["front"]]
        if best.empty:
            lines.append("  no trial has a value" + (f": {own['reason'].iloc[-1]}" if len(own) else ""))
        elif len(search.objectives) > 1:
            lines.append(f"  front of {' and '.join(one.name for one in search.objectives)}, {len(best)} trials:")
            best = best.sort_values(f"{VALUES}{search.objectives[0].name}")
        for _, row in best.iterrows():
            values = ", ".join(f"{one.name} {row[f'{VALUES}{one.name}']:.4g}" for one in search.objectives)
            drawn = " ".join(f"{one.key}={row[f'{PARAMS}{_name(one.key)}']}" for one in search.dimensions)
            lines += [f"  {values} with {drawn} (trial {row['trial']})", f"    {row[COMMAND]}"]
            lines += [f"    {edge}" for edge in _edges(search, row) if len(search.objectives) == 1]
        stream.write("\n".join(map(printable, lines)) + "\n")
    stream.flush()


def _rows(number: int, search: Search, objectives: Sequence[Objective]) -> list[dict[str, object]]:
    trials = search.trials()
    front = front_of(trials, objectives)
    rows = []
    for one in trials:
        drawn = dict(text.partition("=")[::2] for text in one.overrides)
        combination = [f"{key}={value}" for key, value in search.combination.items()]
        overrides = [*combination, *(text for text in search.fixed if not _of_search(text)), *one.overrides]
        rows.append(
            {
                **dict(
                    zip(HEAD, (number, one.number, one.state, _reason(one), one.number in front, one.run), strict=True)
                ),
                **{f"{PER}{_name(key)}": value for key, value in search.combination.items()},
                **{f"{PARAMS}{_name(key)}": value for key, value in drawn.items()},
                **{f"{VALUES}{own.name}": value for own, value in zip(objectives, one.values, strict=False)},
                COMMAND: f"python -m hybridret.run {shlex.join(overrides)}",
            }
        )
    return rows


def _reason(one: SearchTrial) -> str:
    again = "" if one.retried_by is None else f"tried again as trial {one.retried_by}"
    return ": ".join(filter(None, (again, one.reason)))


def _name(key: str) -> str:
    return key.lstrip("+")


def _of_search(override: str) -> bool:
    """What chooses the search itself, and not what is trained."""
    return re.match(r"\+*(hydra\b|sweep=|experiment=tune_)", override) is not None


def _edges(search: Search, row: pd.Series) -> list[str]:
    """A best value at the end of its interval: a better one may lie outside."""
    found = []
    for one in search.dimensions:
        value = row[f"{PARAMS}{_name(one.key)}"]
        if one.choices is None and float(value) in (one.low, one.high):
            found.append(f"{one.key}={value} is an end of what was searched: a better value may lie outside.")
    return found
