"""Claims: falsifiable statements, by default those of the paper, judged on the sweep."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import pandas as pd

from hybridret.analysis.claims.bounds import NotTestable, bounds
from hybridret.analysis.claims.read import PAPER, read_claims
from hybridret.analysis.claims.statements import Claim, Trend
from hybridret.analysis.claims.verdict import Judged, judge, rulings
from hybridret.analysis.question_values import QuestionValues
from hybridret.analysis.significance.correction import holm
from hybridret.reporting.answers.alike import alike, conditions
from hybridret.reporting.answers.answer import Answer, Finding, Findings
from hybridret.reporting.answers.significance.words import p_words
from hybridret.reporting.evidence import Evidence
from hybridret.reporting.table import Cell, Column, Table

_HEADS = ("supported", "refuted", "undecided")


def find(evidence: Evidence) -> Findings | None:
    """Every claim in every dataset and group; None where no claim can be tested and none was given by the user."""
    claims = read_claims(evidence.claims or PAPER)
    judged = [(claim, one) for claim in claims for one in judged_in_groups(evidence, claim)]
    if evidence.claims is None and all(one.reason for _, one in judged):
        return None
    frame = claims_frame(judged)
    tested = frame[frame["ruling"] != "not tested"]
    sentences = [_sentence(claim, frame[frame["claim"] == claim.name], evidence.unit) for claim in claims]
    counts = ", ".join(f"{(tested['ruling'] == head).sum()} {head}" for head in _HEADS)
    refuted = "; ".join(f"“{says.rstrip('.')}”" for says in tested.loc[tested["ruling"] == "refuted", "says"].unique())
    named = f" Refuted: {refuted}." if refuted else ""
    summary = f"Of {_counted(len(tested), 'test')} of {_counted(tested['claim'].nunique(), 'claim')}: {counts}.{named}"
    if tested.empty:
        summary = f"None of {_counted(len(claims), 'claim')} could be tested."
    runs, questions = int(tested["runs"].max()) if len(tested) else 0, None
    first = Finding(text=summary, decided=bool(len(tested)), importance=0.6, runs=runs, questions=questions)
    broken = frame.loc[frame["required"] & (frame["ruling"] == "refuted"), "claim"].unique()
    return Findings(
        sentences=[first, *sentences], tables=[_table(frame)], frames={"claims": frame}, broken=list(map(str, broken))
    )


def claims_frame(judged: Sequence[tuple[Claim, Judged]]) -> pd.DataFrame:
    """One row for each claim in each group: ruling, effect with interval, corrected p-values, and what it rests on."""
    rows: list[dict[str, Any]] = []
    results = rulings([one for _, one in judged], lambda p: [float(one) for one in holm(np.asarray(p))])
    for (claim, one), (ruling, support, refutation) in zip(judged, results, strict=True):
        weakest = one.weakest
        low, high = weakest.contrast.interval() if weakest else (np.nan, np.nan)
        rows.append(
            {
                "claim": claim.name, "says": claim.says, "kind": getattr(claim, "kind", ""), **one.group,
                "setting": claim.setting, "metric": claim.metric, "ruling": ruling,
                "what": weakest.what if weakest else "", "effect": weakest.contrast.effect if weakest else np.nan,
                "low": low, "high": high, "must_exceed": weakest.low if weakest else None,
                "must_stay_below": weakest.high if weakest else None, "p_support": support,
                "p_refutation": refutation, "contrasts": one.bounds, "runs": weakest.contrast.runs if weakest else 0,
                "seeds": weakest.contrast.seeds if weakest else 0,
                "questions": weakest.contrast.questions if weakest else 0, "required": claim.required,
                "reason": one.reason,
            }
        )  # fmt: skip
    return pd.DataFrame(rows)


def judged_in_groups(evidence: Evidence, claim: Claim) -> Iterator[Judged]:
    """In each group that can be tested; where none can, one row with the reason of the first."""
    reasons: list[Judged] = []
    tested = False
    for dataset in [one for one in evidence.datasets if not claim.datasets or one in claim.datasets]:
        values = _measure(evidence, claim, dataset)
        if values is None:
            what = f"{claim.setting} {claim.metric} was not measured for single questions on {dataset}"
            reasons.append(_untested(claim, {"dataset": dataset}, what))
            continue
        for group, own in _groups(evidence, values, isinstance(claim, Trend)):
            where = {"dataset": dataset, **group}
            try:
                yield judge(claim.name, where, bounds(claim, values, own))
                tested = True
            except NotTestable as reason:
                reasons.append(_untested(claim, where, str(reason)))
            except ValueError as error:
                reasons.append(_untested(claim, where, str(error)))
    if not tested:
        missing = f"no run was evaluated on {', '.join(claim.datasets)}" if claim.datasets else "nothing was evaluated"
        yield (reasons or [_untested(claim, {"dataset": ""}, missing)])[0]


def _untested(claim: Claim, group: dict[str, str], reason: str) -> Judged:
    return Judged(claim.name, group, float("nan"), float("nan"), None, 0, reason)


def _measure(evidence: Evidence, claim: Claim, dataset: str) -> QuestionValues | None:
    found = evidence.values(dataset)
    cutoffs = [cutoff for setting, metric, cutoff in found if (setting, metric) == (claim.setting, claim.metric)]
    wanted = cutoffs[:1] if claim.cutoff is None else [one for one in cutoffs if one == claim.cutoff]
    return found[(claim.setting, claim.metric, wanted[0])] if wanted else None


def _groups(evidence: Evidence, values: QuestionValues, trend: bool) -> Iterator[tuple[dict[str, str], pd.DataFrame]]:
    """Trained configurations that differ in strategy and alpha (for a trend also in size) alone."""
    runs = evidence.runs[evidence.runs["run"].isin(values.runs) & evidence.runs["trained"]]
    by = ["sweep", "backbone"] + ([] if trend else ["size", "parameters_body"])
    for own in alike(evidence, runs, by):
        first = own.iloc[0]
        size = "all" if trend else str(first["size"])
        others = [f"{key.rsplit('.', 1)[-1]}={first[key]}" for key in conditions(evidence) if first[key]]
        name = ", ".join([str(first["backbone"]), *others])
        yield {"sweep": str(first["sweep"]), "backbone": name, "size": size}, own


def _sentence(claim: Claim, rows: pd.DataFrame, unit: str) -> Finding:
    tested = rows[rows["ruling"] != "not tested"]
    if tested.empty:
        reason = str(rows["reason"].iloc[0])
        return Finding(text=f"Not tested: “{claim.says}” ({reason}).", decided=False, runs=0)
    counts = tested["ruling"].value_counts()
    # A claim is general: one refutation counts more than other support.
    head = next(one for one in ("refuted", "undecided", "supported") if counts.get(one, 0))
    row = tested[tested["ruling"] == head].sort_values("p_refutation" if head == "refuted" else "p_support").iloc[-1]
    p = row["p_refutation"] if head == "refuted" else row["p_support"]
    chance = f"corrected {p_words(p)}"
    if head == "undecided":
        refutation = p_words(row["p_refutation"]).removeprefix("p ")
        chance = f"corrected p of support {p_words(p).removeprefix('p ')}, of refutation {refutation}"
    of = f" in {counts[head]} of {len(tested)} comparisons" if len(tested) > 1 else ""
    seeds = "one seed: of these runs, not of the strategy" if row["seeds"] == 1 else f"{row['seeds']} seeds"
    text = (
        f"{head.capitalize()}{of}: “{claim.says}” {row['what']} on {row['dataset']} is {_number(row['effect'])} "
        f"[{_number(row['low'])}, {_number(row['high'])}], {chance} ({seeds}, {row['questions']:,} {unit})."
    )
    return Finding(
        text=text, decided=head != "undecided", importance=0.0, effect=float(row["effect"]), low=float(row["low"]),
        high=float(row["high"]), p=float(p), runs=int(row["runs"]), questions=int(row["questions"]),
    )  # fmt: skip


def _counted(number: int, what: str) -> str:
    return f"{number:,} {what if number == 1 else f'{what}s'}"


def _number(value: float) -> str:
    return f"{value:+,.0f}" if abs(value) >= 10 else f"{value:+.4f}".replace("0.", ".", 1)


def _table(frame: pd.DataFrame) -> Table:
    columns = [
        Column("claim"), Column("dataset"), Column("backbone"), Column("size"), Column("ruling"), Column("what"),
        Column("effect", _number), Column("low", _number), Column("high", _number), Column("p support", _p),
        Column("p refutation", _p), Column("seeds"), Column("questions"), Column("reason"),
    ]  # fmt: skip
    shown = frame.reindex(columns=[one.title.replace(" ", "_") for one in columns])
    rows = [[Cell(None if pd.isna(value) else value) for value in row] for row in shown.itertuples(index=False)]
    return Table("claims", "Claims, and what the runs say of each", columns, rows)


def _p(value: float) -> str:
    return p_words(value).removeprefix("p ").removeprefix("= ")


ANSWER = Answer(
    name="claims",
    position=50,
    title="Claims",
    about="Falsifiable statements, each judged on these runs: supported if its opposite is unlikely (p at most .05, "
    "corrected for all claims), refuted if it is unlikely itself, undecided otherwise. The effect shown is that of the "
    "comparison which is nearest to breaking the claim.",
    needs="runs of at least one claim, with values of single questions",
    find=find,
)
