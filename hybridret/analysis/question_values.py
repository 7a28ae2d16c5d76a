"""Values of single questions as dense arrays: what every statistic of this room starts from.

The unit is the question, not the query: all translations of a question are one cluster (docs/analysis.md).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray

MEASURE = ("dataset", "setting", "metric", "cutoff")
CELL = ("query_language", "corpus_language")
COLUMNS = (*MEASURE, *CELL, "question", "value")


@dataclass(frozen=True)
class QuestionValues:
    """One measure (metric at a cutoff, in one setting of one dataset) of several runs.

    values: float64 [runs, questions, cells], NaN where a question was not asked. A cell is a query language with a
        corpus language; the multilingual setting has `all` for the latter.
    runs, questions, cells: their names. Every run has every question of every cell, or none has it.
    configurations, seeds: of each run [runs]; runs that differ in their seed alone share a configuration.
    better: +1 if higher values are better, -1 if lower ones are.
    left_out: how many pairs of question and cell some run has and another lacks.
    """

    dataset: str
    setting: str
    metric: str
    cutoff: int
    values: NDArray[np.float64]
    runs: tuple[str, ...]
    questions: tuple[str, ...]
    cells: tuple[tuple[str, str], ...]
    configurations: tuple[str, ...]
    seeds: tuple[str, ...]
    better: int = 1
    left_out: int = 0

    @property
    def asked(self) -> NDArray[np.bool_]:
        """Which questions have a value in which cells: bool [questions, cells]."""
        asked: NDArray[np.bool_] = ~np.isnan(self.values[0])
        return asked

    @property
    def weights(self) -> NDArray[np.float64]:
        """What a value adds to the macro average: [questions, cells], sum 1. Mean over the questions of a cell, then
        over cells."""
        asked = self.asked
        shares: NDArray[np.float64] = np.where(asked, 1.0 / np.maximum(asked.sum(axis=0), 1), 0.0)
        return shares / float(asked.any(axis=0).sum())

    @property
    def macro(self) -> NDArray[np.float64]:
        """The macro average of each run: [runs], as `metrics.csv` has it."""
        macro: NDArray[np.float64] = np.einsum("rqc,qc->r", np.nan_to_num(self.values), self.weights)
        return macro

    @property
    def names(self) -> tuple[str, ...]:
        """The configurations, each once, in order."""
        return tuple(dict.fromkeys(self.configurations))

    def of(self, configuration: str) -> NDArray[np.float64]:
        """The values of one configuration: [its seeds, questions, cells]. Raises KeyError where there is none."""
        rows = [i for i, name in enumerate(self.configurations) if name == configuration]
        if not rows:
            raise KeyError(configuration)
        return self.values[rows]

    def mean_over_seeds(self) -> NDArray[np.float64]:
        """[configurations in the order of `names`, questions, cells]."""
        return np.stack([self.of(name).mean(axis=0) for name in self.names])

    def only(self, configurations: Sequence[str]) -> QuestionValues:
        """With the runs of these configurations alone."""
        rows = [i for i, name in enumerate(self.configurations) if name in set(configurations)]
        return replace(
            self,
            values=self.values[rows],
            runs=tuple(self.runs[i] for i in rows),
            configurations=tuple(self.configurations[i] for i in rows),
            seeds=tuple(self.seeds[i] for i in rows),
        )


def question_values(
    runs: pd.DataFrame, tables: Iterable[tuple[str, pd.DataFrame]], better: dict[str, int] | None = None
) -> list[QuestionValues]:
    """Arrays of every measure that all `tables` together hold.

    `runs` has the columns run, configuration and seed. `tables` are (run, rows with `COLUMNS`); they may come from a
    generator, so that one is in memory at a time. A query that stands twice (one question asked twice in a cell) counts
    with its mean. What is no finite number is no value. Questions or cells that some run of a measure lacks are left
    out for all its runs, because only common questions can be compared; `left_out` counts them. A measure without any
    common question is no result. Runs without any value of a measure are no runs of it.
    Raises ValueError when a column is missing or a run is not in `runs`.
    """
    known = runs.set_index("run")
    parts: dict[tuple[str, str, str, int], dict[str, pd.Series[float]]] = {}
    for run, table in tables:
        if missing := [name for name in COLUMNS if name not in table.columns]:
            raise ValueError(f"the table of {run} has no column {missing[0]!r}")
        if run not in known.index:
            raise ValueError(f"{run} is not among the runs")
        for measure, rows in table.groupby(list(MEASURE), observed=True, sort=False):
            dataset, setting, metric, cutoff = map(str, measure)
            keys = [rows["question"].astype(str), *(rows[name].astype(str) for name in CELL)]
            known_values = rows["value"].astype(float).where(lambda one: np.isfinite(one))
            values = known_values.groupby(keys, sort=False).mean().dropna()
            if len(values):
                parts.setdefault((dataset, setting, metric, int(cutoff)), {})[run] = values
    found = (_dense(measure, own, known, (better or {}).get(measure[2], 1)) for measure, own in parts.items())
    return [one for one in found if one.questions]


def _dense(
    measure: tuple[str, str, str, int], found: dict[str, pd.Series[float]], known: pd.DataFrame, better: int
) -> QuestionValues:
    order = [str(name) for name in known.index if name in found]
    index = every = found[order[0]].index
    for name in order[1:]:
        if not found[name].index.equals(index):
            index, every = index.intersection(found[name].index), every.union(found[name].index)
    questions, question = np.unique(index.get_level_values(0).to_numpy(dtype=str), return_inverse=True)
    pairs = pd.MultiIndex.from_arrays([index.get_level_values(1), index.get_level_values(2)])
    cell, cells = pd.factorize(pairs, sort=True)
    values = np.full((len(order), len(questions), len(cells)), np.nan)
    for i, name in enumerate(order):
        values[i, question, cell] = found[name].reindex(index).to_numpy()
    return QuestionValues(
        *measure,
        values=values,
        runs=tuple(order),
        questions=tuple(map(str, questions)),
        cells=tuple((str(a), str(b)) for a, b in cells),
        configurations=tuple(str(known.at[name, "configuration"]) for name in order),
        seeds=tuple(str(known.at[name, "seed"]) for name in order),
        better=better,
        left_out=len(every) - len(index),
    )
