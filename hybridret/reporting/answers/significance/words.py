"""Comparisons in words: effect and interval first, p second, and why something is undecided."""

from __future__ import annotations

import math
from collections.abc import Callable, Hashable, Mapping
from typing import Any

from hybridret.reporting.answers.answer import Finding
from hybridret.reporting.answers.significance.questions import Question
from hybridret.reporting.select import METRICS, SETTINGS, title_of
from hybridret.reporting.table import SHOW, score

UNKNOWN = "with one seed, what another seed would change is unknown"
Row = Mapping[Hashable, Any]
Show = Callable[[Any], str]
WHERE = {
    "monolingual": "within languages",
    "cross-lingual": "across languages",
    "multilingual": "in the pool of all languages",
}


def sentence(question: Question, row: Row, power: Row, importance: float, unit: str = "questions") -> Finding:
    """What a row of `comparisons` says of `question.a` against `question.b`; `power` is its row of `needs`, `unit` what
    tests draw."""
    turned = row["a"] != question.a
    sign = -1.0 if turned else 1.0
    low, high = (-row["high"], -row["low"]) if turned else (row["low"], row["high"])
    difference = sign * float(row["difference"])
    show = shown(str(row["metric"]))
    effect = f"{SETTINGS[row['setting']]} {title(row)} {signed(difference, show)}"
    interval = f"[{signed(low, show)}, {signed(high, show)}]"
    basis = f"({seeds_words(row, turned)}, {row['questions']:,} {unit})"
    numbers = f"{effect} {interval}, {p_words(row['p_bh'])} {basis}"
    scope = f"{WHERE[row['setting']]} on {row['dataset']}"
    decided = row["verdict"] != "undecided"
    if decided:
        verb = "is better than" if row["verdict"] == ("b" if turned else "a") else "is worse than"
        end = "" if row["seed_spread"] == "known" else f"; {UNKNOWN}"
        text = f"{question.a} {verb} {question.b} {scope}: {numbers}{end}."
    else:
        text = f"Undecided, {question.a} against {question.b} {scope}: {numbers}; {why_open(row, power, show, unit)}."
    return Finding(
        text=text,
        decided=decided,
        importance=importance,
        effect=difference,
        low=float(low),
        high=float(high),
        p=float(row["p_bh"]),
        runs=int(row["seeds_a"] + row["seeds_b"]),
        questions=int(row["questions"]),
    )


def why_open(row: Row, power: Row, show: Show, unit: str = "questions") -> str:
    """What would settle it, if the true difference is the observed one."""
    if row["difference"] == 0:
        return "the averages are equal"
    seen = f"only a difference of {show(power['detectable'])} would be found in four of five such studies"
    if math.isnan(power["detectable"]):
        return f"one {unit.removesuffix('s')} shows no spread"
    questions = power["more_questions"]
    many = f"no number of {unit} would do, since seeds spread too much" if power["seeds_dominate"] else ""
    many = many or (f"about {_about(questions)} more {unit} would settle it" if questions > 0 else "")
    if row["seed_spread"] != "known":
        return "; ".join(filter(None, (UNKNOWN, many or "the number of comparisons is too large for it")))
    seeds = power["more_seeds"]
    if seeds > 0:
        return f"it needs about {seeds:.0f} more {'seed' if round(seeds) == 1 else 'seeds'} of each ({many or seen})"
    if seeds == 0:
        return "it would be found alone, but not among so many comparisons"
    more = "more than 100 seeds would be needed" if max(row["seeds_a"], row["seeds_b"]) > 1 else ""
    return "; ".join(filter(None, (more, many or seen)))


def shown(metric: str) -> Show:
    """How differences of a metric are written."""
    return SHOW[METRICS[metric].form] if metric in METRICS else SHOW["rank"] if metric == "rank_distance" else score


def title(row: Row) -> str:
    """`mAP`, `R@10`, `rank distance`."""
    metric = str(row["metric"])
    return title_of(metric, int(row["cutoff"])) if metric in METRICS else metric.replace("_", " ")


def signed(value: float, show: Show) -> str:
    """`+.034`, `-.002`, `.000`; `?` where it is not known."""
    if math.isnan(value):
        return "?"
    text = show(abs(value))
    if value and not any(digit in text for digit in "123456789"):
        text = f"{abs(value):.1g}"  # a difference that is not 0 does not look like 0
    return text if value == 0 else f"{'-' if value < 0 else '+'}{text}"


def p_words(p: float) -> str:
    """`p < .001`, `p = .034`."""
    return "p < .001" if p < 0.001 else f"p = {score(float(p))}"


def seeds_words(row: Row, turned: bool = False) -> str:
    """`3 seeds`, `3 and 1 seeds`."""
    a, b = (int(row["seeds_b"]), int(row["seeds_a"])) if turned else (int(row["seeds_a"]), int(row["seeds_b"]))
    return f"{a} seed{'s' if a > 1 else ''}" if a == b else f"{a} and {b} seeds"


def _about(number: float) -> str:
    """Two digits are enough of a guess."""
    return f"{float(f'{number:.2g}'):,.0f}"
