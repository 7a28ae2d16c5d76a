"""Which questions a configuration finds in their own language and loses in another one, and the reverse.

The analogue of arXiv 2505.18673 for retrieval: there a model answers a question in English and fails in another
language; here the question stays as it is, and its answer stands in passages of another language.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from hybridret.analysis.pitfalls.mantel_haenszel import NORMAL
from hybridret.analysis.question_values import QuestionValues

MAJORITY = 0.5  # more than this share of the seeds
Shares = NDArray[np.float64]
Marks = NDArray[np.bool_]
Counts = NDArray[np.int64]


@dataclass(frozen=True)
class LostQuestions:
    """One configuration. All arrays are [questions, pairs]; a pair is the language of a question with that of passages.

    own, lost, gained: the share of the seeds in which the question is found among the passages of its own language; in
        which it is found there, but not among those of the other language; in which the reverse holds. NaN where it
        was not asked in both.
    """

    configuration: str
    questions: tuple[str, ...]
    pairs: tuple[tuple[str, str], ...]
    seeds: int
    own: Shares
    lost: Shares
    gained: Shares

    @property
    def asked(self) -> Marks:
        """Which questions were asked in both languages of a pair."""
        return ~np.isnan(self.own)

    @property
    def found(self) -> Marks:
        """What can be lost: found in their own language in the majority of the seeds."""
        return self.own > MAJORITY

    @property
    def missed(self) -> Marks:
        """What can be gained: not found in their own language in the majority of the seeds."""
        return 1 - self.own > MAJORITY

    @property
    def is_lost(self) -> Marks:
        """Lost in the majority of the seeds; each of these is also `found`."""
        return self.lost > MAJORITY

    @property
    def is_gained(self) -> Marks:
        """Gained in the majority of the seeds; each of these is also `missed`."""
        return self.gained > MAJORITY


def lost_questions(own: QuestionValues, other: QuestionValues) -> dict[str, LostQuestions]:
    """By configuration, from recall or MRR at one cutoff k, monolingual (`own`) and cross-lingual (`other`).

    A question is found where its value is above 0: a relevant passage stands among the first k. Only runs and questions
    that both have count; a pair without its query language in `own` is left out.
    Raises ValueError where the two are not the same metric of one dataset in these settings, or share no run.
    """
    measures = [(one.dataset, one.metric, one.cutoff) for one in (own, other)]
    if measures[0] != measures[1] or measures[0][1] not in ("recall", "mrr", "success"):
        raise ValueError(f"expected recall or MRR of one dataset twice, got {measures[0]} and {measures[1]}")
    if (own.setting, other.setting) != ("monolingual", "cross-lingual"):
        raise ValueError(f"expected monolingual and cross-lingual values, got {own.setting} and {other.setting}")
    runs = [run for run in own.runs if run in other.runs]
    if not runs:
        raise ValueError("no run has values of both settings")
    questions = [one for one in own.questions if one in set(other.questions)]
    column = {query: i for i, (query, _) in enumerate(own.cells)}
    pairs = [i for i, (query, _) in enumerate(other.cells) if query in column]
    columns = [column[other.cells[i][0]] for i in pairs]
    rows = [[one.questions.index(question) for question in questions] for one in (own, other)]
    configurations: dict[str, list[str]] = {}
    for run in runs:
        configurations.setdefault(own.configurations[own.runs.index(run)], []).append(run)
    found: dict[str, LostQuestions] = {}
    for name, members in configurations.items():
        home = own.values[[own.runs.index(run) for run in members]][:, rows[0]][:, :, columns]
        away = other.values[[other.runs.index(run) for run in members]][:, rows[1]][:, :, pairs]
        asked = ~(np.isnan(home) | np.isnan(away)).any(axis=0)
        shares = [
            np.where(asked, marks.mean(axis=0), np.nan)
            for marks in (home > 0, (home > 0) & ~(away > 0), ~(home > 0) & (away > 0))
        ]
        found[name] = LostQuestions(name, tuple(questions), tuple(other.cells[i] for i in pairs), len(members), *shares)
    return found


def lost_by_pair(lost: LostQuestions) -> pd.DataFrame:
    """One row for each pair: query_language, corpus_language, asked, found, lost, share (lost of found) with low and
    high, missed, gained, share_gained (gained of missed). Wilson's interval at 95%: within a pair, questions are
    independent. A share of nothing is NaN."""
    asked, found, gone, missed, gained = (
        marks.sum(axis=0) for marks in (lost.asked, lost.found, lost.is_lost, lost.missed, lost.is_gained)
    )
    low, high = wilson(gone, found)
    return pd.DataFrame(
        {
            "query_language": [query for query, _ in lost.pairs],
            "corpus_language": [passage for _, passage in lost.pairs],
            "asked": asked,
            "found": found,
            "lost": gone,
            "share": _ratio(gone, found),
            "low": low,
            "high": high,
            "missed": missed,
            "gained": gained,
            "share_gained": _ratio(gained, missed),
        }
    )


def wilson(counts: Counts, totals: Counts) -> tuple[Shares, Shares]:
    """The 95% intervals of the shares `counts` of `totals` [n]; NaN for no trials. (scipy's binomtest has it, but for
    one share at a time and after an exact test of it.)"""
    share, square = _ratio(counts, totals), NORMAL**2 / np.maximum(totals, 1)
    middle = share + square / 2
    half = np.sqrt(square * (share * (1 - share) + square / 4))
    return np.asarray((middle - half) / (1 + square)), np.asarray((middle + half) / (1 + square))


def _ratio(counts: Counts, totals: Counts) -> Shares:
    return np.where(totals > 0, counts / np.maximum(totals, 1), np.nan)
