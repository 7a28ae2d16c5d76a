"""Questions to look at: lost or gained in many seeds, and kept by most other configurations."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from hybridret.analysis.pitfalls.lost import LostQuestions
from hybridret.analysis.question_values import QuestionValues

LOST, GAINED = "lost", "gained"
COLUMNS = ["configuration", "kind", "question", "query_language", "corpus_language", "seeds", "others"]


def examples(lost: Mapping[str, LostQuestions], limit: int) -> pd.DataFrame:
    """Up to `limit` questions of each configuration and kind, `COLUMNS`: one pair of each, that which most tells.

    seeds: the share of the seeds in which it happens. others: how many other configurations find the question in both
    languages (lost) or in neither (gained). First come those with the highest of both; equal ones go by id and pair.
    """
    kept = {name: one.found & ~one.is_lost for name, one in lost.items()}
    unfound = {name: one.missed & ~one.is_gained for name, one in lost.items()}
    parts = []
    for name, one in lost.items():
        for kind, marks, share, opposite in (
            (LOST, one.is_lost, one.lost, kept),
            (GAINED, one.is_gained, one.gained, unfound),
        ):
            same = [opposite[other] for other in lost if other != name]
            others = np.sum([*same, np.zeros(marks.shape)], axis=0).astype(np.int64)
            row, column = np.nonzero(marks)
            part = pd.DataFrame(
                {
                    "configuration": name,
                    "kind": kind,
                    "question": [one.questions[i] for i in row],
                    "query_language": [one.pairs[j][0] for j in column],
                    "corpus_language": [one.pairs[j][1] for j in column],
                    "seeds": share[row, column],
                    "others": others[row, column],
                }
            )
            part = part.sort_values(
                ["seeds", "others", "question", "query_language", "corpus_language"],
                ascending=[False, False, True, True, True],
                kind="stable",
            )
            parts.append(part.drop_duplicates("question").head(limit))
    if not parts:
        return pd.DataFrame(columns=COLUMNS)
    found: pd.DataFrame = pd.concat(parts, ignore_index=True)
    return found


def with_position(table: pd.DataFrame, own: QuestionValues, other: QuestionValues) -> pd.DataFrame:
    """`table` with the column position: where the first relevant passage stands, from MRR: in the own language for a
    question that is lost, in the other one for one that is gained; the median of the seeds that find it, NaN for none.
    """
    positions = []
    for row in table.to_dict("records"):
        values, language = (own, "query_language") if row["kind"] == LOST else (other, "corpus_language")
        cell = values.cells.index((row["query_language"], row[language]))
        found = values.of(row["configuration"])[:, values.questions.index(row["question"]), cell]
        positions.append(_median(found[found > 0]))
    return table.assign(position=positions)


def with_texts(table: pd.DataFrame, asked: pd.DataFrame, passages: pd.DataFrame) -> pd.DataFrame:
    """`table` with the columns text, of the question, and passage, the first relevant one; "" where unknown."""
    texts = [
        frame.drop_duplicates(["question", "language"]).set_index(["question", "language"])["text"].to_dict()
        for frame in (asked, passages)
    ]
    own = list(zip(table["question"], table["query_language"], strict=True))
    other = list(zip(table["question"], table["corpus_language"], strict=True))
    return table.assign(text=[texts[0].get(key, "") for key in own], passage=[texts[1].get(key, "") for key in other])


def _median(values: NDArray[np.float64]) -> float:
    return float(np.median(1 / values)) if len(values) else float("nan")
