"""Answer: how contrastive entropy and ranking metrics move with size, per setting and strategy."""

from __future__ import annotations

from hybridret.analysis.scaling.budget import Split
from hybridret.reporting.answers.answer import Answer, Finding, Findings
from hybridret.reporting.answers.scaling.budget import Fitted, best_splits, further_laws, split_finding
from hybridret.reporting.answers.scaling.families import ENTROPY, Measure, families, trained_runs
from hybridret.reporting.answers.scaling.figure import law_plots
from hybridret.reporting.answers.scaling.results import RIVALS, Scaled, scaled
from hybridret.reporting.answers.scaling.tables import (
    exponent_table,
    exponents_frame,
    gap_frame,
    gap_table,
    laws_frame,
    prediction_frame,
    prediction_table,
    split_frame,
)
from hybridret.reporting.answers.scaling.words import (
    enough_sizes,
    exponent_finding,
    few_sizes,
    gap_finding,
    most_important,
    prediction_finding,
    strategy_finding,
)
from hybridret.reporting.charts.plot_style import plot_styles
from hybridret.reporting.evidence import Evidence

SHOWN = ("map", "mrr", "recall")  # beside contrastive entropy: what users ask for
OPENING = 3  # sentences that may open the page


def find(evidence: Evidence) -> Findings | None:
    """None where no family of runs has two sizes, and nothing else that a law could be fitted to."""
    runs = trained_runs(evidence)
    found: list[Scaled] = []
    further: list[tuple[Measure, Fitted]] = []
    for measure in _measures(evidence):
        every = families(evidence, runs, measure, ["family"], ["parameters_body"])
        if max((len(one.sizes) for one in every), default=0) > 1:
            found.append(scaled(measure, every))
        if measure.metric == ENTROPY:
            further += [(measure, one) for one in further_laws(evidence, runs, measure)]
    if not found and not further:
        return None
    splits = [
        (measure, one, split)
        for measure in dict.fromkeys(measure for measure, _ in further)
        for one, split in best_splits([one for own, one in further if own == measure], runs)
    ]
    styles = plot_styles(evidence.runs)
    by_family = {str(row["family"]): styles[str(row["configuration"])] for row in evidence.runs.to_dict("records")}
    main = [one for one in found if one.measure == _main(found, one.measure.dataset)]
    tables = [table for one in found for table in (exponent_table(one), gap_table(one), prediction_table(one)) if table]
    return Findings(
        sentences=_sentences(found, splits),
        tables=tables,
        plots=[plot for one in main for plot in law_plots(one, by_family)],
        frames={
            "scaling_laws": laws_frame(found, further),
            "scaling_exponents": exponents_frame(found),
            "scaling_gap": gap_frame(found),
            "scaling_prediction": prediction_frame(found),
            "scaling_budget": split_frame(splits),
        },
        remarks=_remarks(evidence, found),
    )


def _measures(evidence: Evidence) -> list[Measure]:
    """Contrastive entropy first, of each dataset that has it."""
    here = evidence.metrics
    found = []
    for dataset in evidence.datasets:
        own = here[(here["dataset"] == dataset) & (here["metric"] == ENTROPY)]
        found += [Measure(dataset, ENTROPY, 0)] if len(own) else []
        found += [Measure(dataset, name, cutoff) for name, cutoff in evidence.measures(dataset) if name in SHOWN]
    return found


def _main(found: list[Scaled], dataset: str) -> Measure:
    """What a dataset's figure is of."""
    return next(one.measure for one in found if one.measure.dataset == dataset)


def _sentences(found: list[Scaled], splits: list[tuple[Measure, Fitted, Split]]) -> list[Finding]:
    """Of hybrids first. A sentence opens the page if it is of the first dataset that has it: exponents of contrastive
    entropy, the gap in the first metric, and how strategies differ."""
    weighed: list[tuple[Finding | None, float]] = [(one, 0.3) for one in few_sizes(found)]
    for one in (one for one in found if enough_sizes(one)):
        main = one.measure == _main(found, one.measure.dataset)
        for family in sorted(one.families, key=lambda own: own.strategy in RIVALS):
            hybrid = family.strategy not in RIVALS
            several = len(family.sizes) > 1
            weighed.append((exponent_finding(one, family) if several else None, (0.6 if hybrid else 0.2) * main))
            if hybrid:
                weighed.append((gap_finding(one, family), 0.5 * (one.measure.metric != ENTROPY)))
                weighed.append((strategy_finding(one, family) if several else None, 0.4 * main))
        weighed.append((prediction_finding(one), 0.0))
    weighed += [(split_finding(one, split, measure.dataset), 0.0) for measure, one, split in splits]
    # What is decided comes before what is not.
    every = [(one, weight if one.decided else weight / 2) for one, weight in weighed if one is not None]
    return most_important(every, OPENING)


def _remarks(evidence: Evidence, found: list[Scaled]) -> list[str]:
    remarks = []
    if any(one.chosen is not None and one.chosen is not one.law for one in found):
        remarks.append(
            "Exponents are those of the law without an offset where a constant predicts held-out sizes well enough, or "
            "the data do not determine an exponent with an offset."
        )
    if len(evidence.sweeps) > 1:
        remarks.append("Sizes are compared within each sweep; a law does not join the runs of several sweeps.")
    if any(one.gaps for one in found) and any(len(family.runs) == len(family.sizes) for family in found[0].families):
        remarks.append("With one seed for each size, intervals come from the distances of the sizes from the law.")
    return remarks


ANSWER = Answer(
    name="scaling",
    position=30,
    title="Size",
    about="Laws of scale (arXiv 2403.18684) fitted to contrastive entropy and to the odds against ranking metrics: how "
    "fast each setting gains from body parameters, whether strategies differ in it, and how well smaller sizes predict "
    "the largest one. Intervals are of 95 %, not corrected for their number.",
    needs="trained runs of two sizes or more",
    find=find,
)
