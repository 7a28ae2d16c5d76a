"""Which configurations trade monolingual for cross-lingual quality best, and which alpha a preference picks."""

from __future__ import annotations

from dataclasses import replace

from hybridret.analysis.trade_off.preference import LOSS, WEIGHT, pick, weighted, within
from hybridret.reporting.answers.answer import Answer, Finding, Findings
from hybridret.reporting.answers.trade_off.alpha import BestAlphas, best_alphas
from hybridret.reporting.answers.trade_off.figure import front_plot
from hybridret.reporting.answers.trade_off.measure import GroupResult, Measure, group_result, measures
from hybridret.reporting.answers.trade_off.sentences import (
    alpha_sentence,
    bias_sentence,
    front_sentence,
    knee_sentence,
    loss_sentence,
    volume_sentence,
    weight_sentence,
)
from hybridret.reporting.answers.trade_off.tables import (
    Picks,
    alpha_frame,
    bands_frame,
    front_frame,
    front_table,
    preference_frame,
    preference_table,
    volume_frame,
)
from hybridret.reporting.evidence import Evidence
from hybridret.reporting.table import score

_ON_THE_PAGE = 2  # sentences of a test set that may open the page


def find(evidence: Evidence) -> Findings | None:
    """None where no test set has both settings for two trained configurations or more."""
    found = Findings()
    fronts: list[tuple[Measure, list[GroupResult]]] = []
    choices: list[tuple[Measure, Picks]] = []
    alphas: list[tuple[Measure, list[BestAlphas]]] = []
    for dataset in evidence.datasets:
        for number, measure in enumerate(measures(evidence, dataset)):
            results = [group_result(measure, group) for group in measure.groups]
            picks = preferences(results)
            lines = best_alphas(evidence, measure)
            fronts.append((measure, results))
            choices.append((measure, picks))
            alphas.append((measure, lines))
            if number == 0:  # the others are in the frames
                _first_measure(found, evidence, measure, results, picks, lines)
    if not fronts:
        return None
    found.frames["trade_off_front"] = front_frame(fronts)
    found.frames["trade_off_preference"] = preference_frame(choices)
    found.frames["trade_off_alpha"] = alpha_frame(alphas)
    found.frames["trade_off_volume"] = volume_frame(fronts)
    found.frames["trade_off_bands"] = bands_frame(fronts)
    if not evidence.runs["trained"].astype(bool).all():
        found.remarks.append("Runs that were not trained are no part of a trade-off.")
    if evidence.left_out:
        count = len(evidence.left_out)
        found.remarks.append(
            f"Without values of single questions, and so left out: {count} {'run' if count == 1 else 'runs'}."
        )
    return found


def preferences(results: list[GroupResult], loss: float = LOSS, weight: float = WEIGHT) -> Picks:
    """A loss that is allowed, and a weight, in each group."""
    return [
        (words, result, pick(result.draws, preference, loss))
        for result in results
        for words, preference in (
            (f"lose at most {score(loss)} Mo.", within(loss)),
            (f"weight {weight:g} on Mo.", weighted(weight)),
        )
    ]


def _first_measure(
    found: Findings,
    evidence: Evidence,
    measure: Measure,
    results: list[GroupResult],
    picks: Picks,
    lines: list[BestAlphas],
) -> None:
    """Sentences, tables and figures of the first measure of a test set."""
    own: list[Finding | None] = []
    for i, result in enumerate(results):
        by_loss, by_weight = (one for _, of, one in picks if of is result)
        own += [
            front_sentence(measure, result),
            loss_sentence(measure, result, by_loss),
            weight_sentence(measure, result, by_weight),
        ]
        if result.group.main:
            own += [bias_sentence(measure, result), knee_sentence(measure, result), volume_sentence(measure, result)]
        found.plots.append(front_plot(measure, result, evidence.runs, i + 1))
    own += [alpha_sentence(measure, one) for one in lines]
    sentences = [one for one in own if one is not None]
    first = sorted(sentences, key=lambda one: -one.importance)[:_ON_THE_PAGE]
    found.sentences.extend(one if one in first else replace(one, importance=0.0) for one in sentences)
    found.tables.extend([front_table(measure, results), preference_table(measure, picks)])


ANSWER = Answer(
    name="trade_off",
    position=20,
    title="Trade-off of monolingual and cross-lingual quality",
    about="Pareto fronts over joint resamples of seeds and questions, what a preference picks from them, and how the "
    "best alpha moves with size.",
    needs="two trained configurations with values of single questions within and across languages",
    find=find,
)
