"""Laws of trained pairs, of FLOPs and of both size and pairs, where a sweep varies them, and the split of a budget."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd

from hybridret.analysis.scaling.bands import Band, band
from hybridret.analysis.scaling.budget import Split, best_split, training_flops
from hybridret.analysis.scaling.laws import JOINT, ONE_VARIABLE
from hybridret.reporting.answers.answer import Finding
from hybridret.reporting.answers.scaling.families import Family, Measure, families
from hybridret.reporting.answers.scaling.words import WHERE, number
from hybridret.reporting.evidence import Evidence

LEVELS = 3  # of a variable, at least, for a law of it
CELLS = 6  # of a joint law with 5 parameters
TOGETHER = 0.95  # correlation of log N and log D from which on their parts cannot be told apart


@dataclass(frozen=True)
class Fitted:
    """A law of one setting of a family, against `variable`."""

    variable: str
    family: Family
    setting: str
    band: Band


def further_laws(evidence: Evidence, runs: pd.DataFrame, measure: Measure) -> Iterator[Fitted]:
    """Laws of pairs at one size, and of FLOPs, where there are three levels or more; the joint law where both size and
    pairs have three, and do not move together."""
    for variable, by in (("pairs", ["label", "parameters_body"]), ("flops", ["label"])):
        for family in families(evidence, runs, measure, by, [variable]):
            for setting, own in family.losses.items():
                if len(own.variables) >= LEVELS:
                    for law in ONE_VARIABLE:
                        shift = family.loss_shifts[setting]
                        yield Fitted(variable, family, setting, band(law, own, family.draws, shift))
    for family in families(evidence, runs, measure, ["label"], ["parameters_body", "pairs"]):
        for setting, own in family.losses.items():
            logs = np.log(own.variables)
            levels = [len(np.unique(np.round(column, 6))) for column in logs.T]
            if len(logs) < CELLS or min(levels) < LEVELS or abs(np.corrcoef(logs.T)[0, 1]) > TOGETHER:
                continue
            found = band(JOINT, own, family.draws, family.loss_shifts[setting])
            yield Fitted("parameters and pairs", family, setting, found)


def best_splits(fitted: list[Fitted], runs: pd.DataFrame) -> list[tuple[Fitted, Split]]:
    """The best split of the largest budget that a run of the family had, and of ten times as much."""
    found = []
    for one in fitted:
        if one.band.fit.law is not JOINT:
            continue
        own = runs[runs["run"].isin(one.family.runs)]
        size, pairs, flops = (own[name].to_numpy(dtype=float) for name in ("parameters_body", "pairs", "flops"))
        tokens = float(np.median(flops / training_flops(size, pairs, 1.0)))
        if not tokens > 0:
            continue
        trained = one.family.losses[one.setting].variables
        largest = float(flops.max())
        found += [(one, best_split(one.band, factor * largest, tokens, trained)) for factor in (1.0, 10.0)]
    return found


def split_finding(one: Fitted, split: Split, dataset: str) -> Finding:
    """The best split of one budget."""
    low, high = split.parameters_interval
    sizes = f"{count(split.parameters)} body parameters"
    ends = f" [{count(low)}, {count(high)}]" if not np.isnan(low) else ""
    pairs = f"{count(split.pairs)} pairs"
    beyond = ", which is outside of what was trained" if split.beyond else ""
    text = (
        f"{WHERE[one.setting][:1].upper()}{WHERE[one.setting][1:]} on {dataset} a budget of {split.budget:.2g} FLOPs "
    )
    text += f"(6 x parameters x tokens) is best spent by {one.family.label} on {sizes}{ends} and {pairs}{beyond}."
    known = bool(np.isfinite([low, high]).all())
    if not known:
        text = f"{text[:-1]}: undecided, because the joint law is not determined by its resamples."
    interval = (low, high) if known else (None, None)
    return Finding(
        text=text, decided=known, effect=split.parameters, low=interval[0], high=interval[1], runs=len(one.family.runs)
    )


def count(value: float) -> str:
    """`55k`, `1.2M`, `7.6B`; `∞` without an end."""
    for unit, name in ((1e12, "T"), (1e9, "B"), (1e6, "M"), (1e3, "k")):
        if np.isfinite(value) and value >= unit:
            return f"{value / unit:.3g}{name}"
    return f"{value:.3g}" if np.isfinite(value) else number(value)
