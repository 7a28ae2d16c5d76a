"""Sentences about size, written from numbers."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import replace

import numpy as np

from hybridret.analysis.scaling.exponents import Judged
from hybridret.analysis.scaling.laws import OFFSET
from hybridret.analysis.scaling.prediction import ENOUGH
from hybridret.reporting.answers.answer import Finding
from hybridret.reporting.answers.scaling.families import ENTROPY, Family
from hybridret.reporting.answers.scaling.results import RIVALS, Scaled

WHERE = {
    "monolingual": "monolingually",
    "cross-lingual": "across languages",
    "multilingual": "in the pool of all languages",
}
MONO, CROSS, MULTI = WHERE


def number(value: float, digits: int = 2) -> str:
    """`.42`, `-.03`, `1.20`; `∞` without an end."""
    if math.isinf(value):
        return "∞" if value > 0 else "-∞"
    text = f"{value:.{digits}f}"
    text = text.removeprefix("-") if float(text) == 0 else text  # no -.00
    return text.replace("-0.", "-.", 1) if text.startswith("-0.") else text.removeprefix("0")


def with_interval(judged: Judged, digits: int = 2) -> str:
    """`.42 [.31, .55]`, without the interval where there is none; narrow ones in three digits."""
    if math.isnan(judged.low):
        return number(judged.value, digits)
    digits = 3 if judged.high - judged.low < 0.02 else digits
    return f"{number(judged.value, digits)} [{number(judged.low, digits)}, {number(judged.high, digits)}]"


def loss_name(found: Scaled) -> str:
    """What a law is about."""
    title = found.measure.title
    return title if found.measure.metric == ENTROPY else f"odds (1 - m)/m against {title}"


def enough_sizes(found: Scaled) -> bool:
    """Whether a law can be fitted to any family: with two sizes every curve passes through both."""
    return max(len(one.sizes) for one in found.families) > 2


def few_sizes(found: Sequence[Scaled]) -> list[Finding]:
    """One sentence for each dataset of which no family has three sizes, instead of one for each law."""
    measured: dict[str, list[Scaled]] = {}
    for one in found:
        measured.setdefault(one.measure.dataset, []).append(one)
    sentences = []
    for dataset, own in measured.items():
        if not any(enough_sizes(one) for one in own):
            runs = max(sum(len(family.runs) for family in one.families) for one in own)
            text = f"How quality on {dataset} moves with size is undecided, because only two sizes were trained: a law "
            sentences.append(Finding(text=f"{text}needs three.", decided=False, runs=runs))
    return sentences


def exponent_finding(found: Scaled, family: Family) -> Finding:
    """How fast the settings of one family gain, and whether the cross-lingual one gains more than the monolingual."""
    runs, dataset = len(family.runs), found.measure.dataset
    values = {name: found.exponents.get((family.label, name)) for name in family.losses}
    doubts = {one.doubt if one else "only one size was trained" for one in values.values()}
    if all(doubts) and len(doubts) == 1:
        text = f"How fast {loss_name(found)} of {family.label} moves with size on {dataset} is undecided, because "
        return Finding(text=f"{text}{doubts.pop()}.", decided=False, runs=runs)
    parts = [_stated(one.judged, name) for name, one in values.items() if one]
    law = " above an offset" if found.law is OFFSET else ""
    text = f"On {dataset} {loss_name(found)} of {family.label} falls{law} with body parameters with exponent "
    text += listed(parts)
    compared = found.compare((family.label, CROSS), (family.label, MONO))
    if compared is None:
        whole = all(one.judged.decided for one in values.values() if one)
        return Finding(text=f"{text}.", decided=whole, runs=runs, questions=None)
    if compared.decided:
        more = "more" if compared.value > 0 else "less"
        text += f": the cross-lingual setting gains {more} from size than the monolingual one"
        text += f" (difference {with_interval(compared)})."
    else:
        text += (
            ": whether the cross-lingual setting gains more from size than the monolingual one is undecided, because "
        )
        text += f"{compared.reason} (difference {with_interval(compared)})."
    ends = _ends(compared)
    return Finding(text=text, decided=compared.decided, effect=compared.value, low=ends[0], high=ends[1], runs=runs)


def _stated(judged: Judged, setting: str) -> str:
    doubt = f" (undecided, because {judged.reason})" if judged.reason else ""
    return f"{with_interval(judged)} {WHERE[setting]}{doubt}"


def strategy_finding(found: Scaled, family: Family, setting: str = CROSS) -> Finding | None:
    """Whether a strategy's exponent differs from those of mono and cross; None without one of them."""
    rivals = [one for one in found.families if one.strategy in RIVALS and one.keys == family.keys]
    judged = [(one, found.compare((family.label, setting), (one.label, setting))) for one in rivals]
    clauses, decided, first = [], True, None
    for one, difference in judged:
        if difference is None:
            continue
        first = first or difference
        decided &= difference.decided
        shown = "" if math.isnan(difference.value) else f" (difference of exponents {with_interval(difference)})"
        if difference.decided:
            clauses.append(f"{'more' if difference.value > 0 else 'less'} than {one.label}{shown}")
        else:
            clauses.append(f"more or less than {one.label}, undecided, because {difference.reason}{shown}")
    if first is None:
        return None
    text = (
        f"{_capital(WHERE[setting])} on {found.measure.dataset} {family.label} gains from size in {loss_name(found)}: "
    )
    low, high = _ends(first)
    runs = len(family.runs) + sum(len(one.runs) for one in rivals)
    return Finding(text=f"{text}{listed(clauses)}.", decided=decided, effect=first.value, low=low, high=high, runs=runs)


def gap_finding(found: Scaled, family: Family) -> Finding | None:
    """How the lead of a strategy over the better of mono and cross moves with size; None where there is no gap."""
    own = {name: one for (label, name), one in found.gaps.items() if label == family.label}
    if not own:
        return None
    digits = 3
    dataset, title = found.measure.dataset, found.measure.title
    runs = len(family.runs) + sum(
        len(one.runs) for one in found.families if one.strategy in RIVALS and one.keys == family.keys
    )
    reasons = {one.slope.reason for one in own.values()}
    few = next(iter(reasons)) if len(reasons) == 1 else ""
    if few and "interval" not in few:
        text = (
            f"How the lead of {family.label} over the better of mono and cross in {title} on {dataset} moves with size"
        )
        return Finding(text=f"{text} is undecided, because {few}.", decided=False, runs=runs)
    parts = []
    for name, one in own.items():
        slope = one.slope
        sizes = f"from {number(float(one.values[0]), digits)} to {number(float(one.values[-1]), digits)}"
        verdict = "grows" if slope.value > 0 else "shrinks"
        if not slope.decided:
            verdict = f"undecided, because {slope.reason}"
        parts.append(f"{WHERE[name]} {sizes}, {with_interval(slope, digits)} for each factor of ten ({verdict})")
    text = f"The lead of {family.label} over the better of mono and cross in {title} on {dataset} goes with size "
    main = own.get(CROSS) or next(iter(own.values()))
    low, high = _ends(main.slope)
    return Finding(
        text=f"{text}{listed(parts, '; ')}.",
        decided=all(one.slope.decided for one in own.values()),
        effect=main.slope.value,
        low=low,
        high=high,
        runs=runs,
    )


def prediction_finding(found: Scaled) -> Finding | None:
    """How well smaller sizes predict the largest one, by the law that was chosen; None without a prediction."""
    if found.chosen is None:
        return None
    mine = [one for every in found.predictions.values() for one in every if one.law == found.chosen.name]
    if not mine:
        return None
    error = 100 * float(np.median([abs(np.expm1(one.error)) for one in mine]))
    known = [one for one in mine if one.covered is not None]
    held = f"; {sum(bool(one.covered) for one in known)} of {len(known)} intervals hold it" if known else ""
    text = f"On {found.measure.dataset} {loss_name(found)} of the largest size is predicted from the smaller ones "
    text += f"to {error:.1f} % (median of {len(mine)} series{held}) by the law "
    text += f"{found.chosen.formula.format(x='N')}, the simplest one whose held-out error is at most {ENOUGH:g} times "
    text += "the smallest one."
    return Finding(text=text, decided=True, runs=sum(len(one.runs) for one in found.families))


def listed(parts: Sequence[str], between: str = ", ") -> str:
    """`a, b and c`."""
    return parts[0] if len(parts) == 1 else f"{between.join(parts[:-1])} and {parts[-1]}"


def most_important(findings: Iterable[tuple[Finding, float]], count: int) -> list[Finding]:
    """The findings in order; the first `count` with the highest importance above 0 keep it."""
    pairs = list(findings)
    order = sorted(range(len(pairs)), key=lambda i: -pairs[i][1])[:count]
    return [replace(one, importance=weight if i in order else 0.0) for i, (one, weight) in enumerate(pairs)]


def _ends(judged: Judged) -> tuple[float | None, float | None]:
    return (None, None) if math.isnan(judged.low) else (judged.low, judged.high)


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]
