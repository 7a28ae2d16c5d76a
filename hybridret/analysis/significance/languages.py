"""Where a configuration wins: every language and language pair by itself, and wins, ties and losses."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from hybridret.analysis.question_values import CELL, MEASURE, QuestionValues
from hybridret.analysis.significance.comparisons import corrected, measure_columns
from hybridret.analysis.significance.difference import all_pairs, differences
from hybridret.analysis.significance.system_values import system_values

CELL_COMPARISON = (
    *MEASURE, "a", "b", *CELL, "difference", "low", "high", "p", "p_holm", "p_bh", "verdict", "questions",
    "p_questions", "p_seeds", "better",
)  # fmt: skip


def language_comparisons(
    measures: Iterable[QuestionValues],
    draws: int = 10_000,
    seed: int = 0,
    level: float = 0.05,
    chosen: Callable[[str, str], bool] = lambda a, b: True,
    advance: Callable[[], None] = lambda: None,
) -> pd.DataFrame:
    """One row with the columns `CELL_COMPARISON` for every two configurations in every cell of every measure.

    As `comparisons`, with t intervals; all rows are one family. `chosen(a, b)` says which comparisons are wanted.
    """
    found = []
    for values in measures:
        every = all_pairs(len(values.names))
        pairs = every[[chosen(values.names[a], values.names[b]) for a, b in every]] if len(every) else every
        if len(pairs):
            found.append(_of_measure(values, pairs, draws, seed, level))
        advance()
    frame = pd.concat(found, ignore_index=True) if found else pd.DataFrame(columns=list(CELL_COMPARISON))
    return corrected(frame, level)[list(CELL_COMPARISON)]


def _of_measure(values: QuestionValues, pairs: NDArray[np.int64], draws: int, seed: int, level: float) -> pd.DataFrame:
    systems = system_values(values, by_cell=True)
    found = differences(systems, pairs, draws, seed, level)
    cells, names = len(values.cells), np.array(systems.names, dtype=object)
    columns = {
        "a": np.repeat(names[pairs[:, 0]], cells),
        "b": np.repeat(names[pairs[:, 1]], cells),
        **{name: [cell[i] for cell in values.cells] * len(pairs) for i, name in enumerate(CELL)},
        "questions": np.tile(systems.questions, len(pairs)),
    }
    columns |= {
        name: getattr(found, name).ravel() for name in ("difference", "low", "high", "p", "p_questions", "p_seeds")
    }
    return pd.DataFrame(columns).assign(**measure_columns(values))


def win_tie_loss(frame: pd.DataFrame) -> pd.DataFrame:
    """Of `language_comparisons`: measure, a, b, and in how many cells a is better (wins), b is (losses), or neither is
    shown to be (ties)."""
    keys = [*MEASURE, "a", "b"]
    counts = frame.assign(
        wins=frame["verdict"] == "a", ties=frame["verdict"] == "undecided", losses=frame["verdict"] == "b"
    )
    return counts.groupby(keys, sort=False)[["wins", "ties", "losses"]].sum().reset_index()
