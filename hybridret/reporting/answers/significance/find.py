"""significance: which configurations differ, by how much, where, and what it would take to know."""

from __future__ import annotations

from collections.abc import Collection

import numpy as np
import pandas as pd

from hybridret.analysis.question_values import QuestionValues
from hybridret.analysis.significance.comparisons import comparisons
from hybridret.analysis.significance.languages import language_comparisons, win_tie_loss
from hybridret.analysis.significance.power import needs
from hybridret.reporting.answers.answer import Answer, Findings
from hybridret.reporting.answers.left_out import left_out_remarks
from hybridret.reporting.answers.significance.questions import Question, questions
from hybridret.reporting.answers.significance.tables import detectable_table, family_table, languages_table
from hybridret.reporting.answers.significance.words import sentence
from hybridret.reporting.evidence import Evidence

DISTANCE = ("multilingual", "rank_distance", 0)
IMPORTANT = (0.9, 0.85, 0.8)  # of the sentences that may open a page, in the order of `questions`
FURTHER = 0.8  # of test sets after the first: all of a test set before the same of another one
MOST = 30  # configurations up to which every two of them are compared in every language
ABOUT = (
    "Differences of macro averages between every two configurations, each with a 95% interval, tested over questions "
    "with all translations of a question as one unit. Where configurations have several seeds, intervals and p count "
    "the spread over seeds; p is corrected for the whole family (Benjamini and Hochberg)."
)
NEEDS = "two configurations with values of the same questions"


def significance(evidence: Evidence) -> Findings | None:
    """None where no test set has two configurations with values of single questions."""
    values = {name: _measures(evidence, name) for name in evidence.datasets}
    flat = [one for found in values.values() for one in found]
    if not any(len(one.names) > 1 for one in flat):
        return None
    with evidence.progress.task("compare configurations", len(flat)) as advance:
        family = comparisons(
            flat, evidence.permutations, evidence.resamples, evidence.seed, without_seeds(evidence), advance=advance
        )
    asked = {name: questions(evidence, name, family) for name in evidence.datasets}
    power = family[_KEYS].join(needs(family))
    languages = _languages(evidence, flat, asked)
    findings = Findings(remarks=_remarks(evidence, family))
    findings.frames["significance_comparisons"] = family
    findings.frames["significance_languages"] = languages
    findings.frames["significance_power"] = power
    counts = win_tie_loss(languages)
    rows, power_rows = family.to_dict("records"), power.to_dict("records")
    for number, (name, own) in enumerate(asked.items()):
        opening = iter(IMPORTANT if not number else [FURTHER * one for one in IMPORTANT])
        for one in own:
            importance = next(opening, 0.0) if one.opens else 0.0
            findings.sentences.append(sentence(one, rows[one.row], power_rows[one.row], importance, evidence.unit))
        chosen = [one.row for one in own]
        for table in (
            family_table(name, family, chosen),
            languages_table(name, counts, family, chosen),
            detectable_table(name, family, power, chosen),
        ):
            if table is not None:
                findings.tables.append(table)
    return findings


_KEYS = ["dataset", "setting", "metric", "cutoff", "a", "b", "difference", "seeds_a", "seeds_b", "questions", "verdict"]


def without_seeds(evidence: Evidence) -> list[str]:
    """Configurations that no seed changes: retrievers without parameters, such as BM25."""
    runs = evidence.runs
    return sorted(set(runs.loc[~runs["trained"].astype(bool) & runs["parameters_total"].isna(), "configuration"]))


def _measures(evidence: Evidence, dataset: str) -> list[QuestionValues]:
    """Metrics of quality in every setting, and rank distance."""
    wanted = evidence.measures(dataset)
    found = evidence.values(dataset)
    return [one for key, one in found.items() if key[1:] in wanted or key == DISTANCE]


def _languages(
    evidence: Evidence, values: Collection[QuestionValues], asked: dict[str, list[Question]]
) -> pd.DataFrame:
    """mAP and rank distance in every cell; with many configurations only the comparisons of the sentences."""
    first = {(name, *found[0]) for name in evidence.datasets if (found := evidence.measures(name))}
    shown = [one for one in values if (one.dataset, one.metric, one.cutoff) in first or one.metric == DISTANCE[1]]
    spoken_of = {(one.a, one.b) for own in asked.values() for one in own}
    many = any(len(one.names) > MOST for one in values)
    with evidence.progress.task("compare in languages", len(shown)) as advance:
        return language_comparisons(
            shown,
            evidence.permutations,
            evidence.seed,
            chosen=lambda a, b: not many or (a, b) in spoken_of or (b, a) in spoken_of,
            advance=advance,
        )


def _remarks(evidence: Evidence, family: pd.DataFrame) -> list[str]:
    remarks = left_out_remarks(evidence)
    for dataset, own in family.groupby("dataset", sort=False):
        if lost := int(own["left_out"].max()):
            remarks.append(
                f"{dataset}: {lost:,} values of some runs are left out, because other runs lack the same question; "
                "differences here need not be those of the tables."
            )
        if unknown := int(np.sum(own["seed_spread"] != "known")):
            remarks.append(
                f"{dataset}: in {unknown:,} of {len(own):,} comparisons a configuration has one seed only. They are "
                "about these very runs: what another seed would change is unknown."
            )
    return remarks


ANSWER = Answer(
    name="significance", position=10, title="Which differences are real", about=ABOUT, needs=NEEDS, find=significance
)
