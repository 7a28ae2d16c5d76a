"""What the numbers of lost questions say, as sentences."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from hybridret.analysis.pitfalls.lost import LostQuestions, lost_by_pair
from hybridret.analysis.pitfalls.lost_share import LostShare, ShareDifference
from hybridret.reporting.answers.answer import Finding

LEVEL = 0.05
NAMED = 4  # configurations that one sentence names
GROUPS, TOPICS = 5, 2  # sentences on groups, and how many of these may be on topics
IMPORTANCE = 0.4


def share(value: float) -> str:
    """`38 %`, below 10 with a digit more; `under 0.1 %` and `over 99 %` where rounding would say none or all."""
    if 0 < value < 0.0005:
        return "under 0.1 %"
    if 0.995 <= value < 1:
        return "over 99 %"
    return f"{100 * value:.{0 if abs(value) >= 0.0995 else 1}f} %"


def _measured(value: float) -> str:
    """With as many digits as its interval, in which it then stands."""
    return f"{100 * value:.1f} %".replace("100.0", "100")


def _bounds(low: float, high: float) -> str:
    return f"[{100 * low:.1f}, {100 * high:.1f}]"


def loss_sentence(
    dataset: str,
    cutoff: int,
    lost: Mapping[str, LostQuestions],
    shares: Mapping[str, LostShare],
    shown: list[str],
    difference: ShareDifference | None,
) -> Finding:
    """How much the configurations `shown` lose, the largest loss first; `difference`: the first minus the last."""
    named = shown if len(shown) <= NAMED else [shown[0], shown[-1]]
    parts = [f"{name} {_measured(shares[name].share)} {_bounds(shares[name].low, shares[name].high)}" for name in named]
    worst = lost_by_pair(lost[shown[0]]).sort_values("share", ascending=False, kind="stable").iloc[0]
    text = (
        f"{dataset}: of the questions that they find among the first {cutoff} passages of their own language, these "
        f"are lost when the passages are in another one: {', '.join(parts)}"
    )
    if len(named) < len(shown):
        text += f" (the most and the least of {len(shown)} configurations)"
    if len(lost[shown[0]].pairs) > 1:
        text += (
            f"; {shown[0]} loses most from {worst['query_language']} to {worst['corpus_language']} "
            f"({share(worst['share'])})"
        )
    decided = difference is None or not difference.low <= 0 <= difference.high
    if difference is not None and not decided:
        text += (
            f". Which of them loses fewer is undecided: {shown[0]} minus {shown[-1]} is "
            f"{100 * difference.difference:.1f} points {_bounds(difference.low, difference.high)}"
        )
    first = shares[shown[0]]
    effect = (first.share, first.low, first.high)
    if difference is not None:
        effect = (difference.difference, difference.low, difference.high)
    return Finding(
        text=f"{text}.",
        decided=decided,
        importance=IMPORTANCE,
        effect=effect[0],
        low=effect[1],
        high=effect[2],
        runs=sum(lost[name].seeds for name in shown),
        questions=len(lost[shown[0]].questions),
    )


def gain_sentence(dataset: str, lost: Mapping[str, LostQuestions], shown: list[str]) -> Finding | None:
    """The reverse, for the configuration that gains most; None where nothing is missed at home."""
    rates = {name: lost[name].is_gained.sum() / lost[name].missed.sum() for name in shown if lost[name].missed.any()}
    if not rates:
        return None
    name = max(rates, key=lambda one: float(rates[one]))
    missed, gained = int(lost[name].missed.sum()), int(lost[name].is_gained.sum())
    text = (
        f"{dataset}, the reverse: {name} finds {share(float(rates[name]))} of the questions that it misses in their "
        f"own language when the passages are in another one ({gained:,} of {missed:,} questions and pairs)."
    )
    return Finding(text=text, decided=True, runs=lost[name].seeds, questions=len(lost[name].questions))


def group_sentences(dataset: str, groups: pd.DataFrame, lost: Mapping[str, LostQuestions]) -> list[Finding]:
    """One sentence for each of the clearest groups (odds furthest from 1, in widths of the interval), with the
    configuration where it is clearest; one sentence where there is none, or nothing could be tested."""
    tested = groups[groups["p"].notna()].sort_values(["p_corrected", "p", "odds_ratio"], kind="stable")
    runs, questions = sum(one.seeds for one in lost.values()), len(next(iter(lost.values())).questions)
    if tested.empty:
        reasons = ", ".join(dict.fromkeys(groups["reason"].astype(str)))
        text = f"{dataset}: whether some groups of questions are lost more often is undecided: {reasons}."
        return [Finding(text=text, decided=False, runs=runs, questions=questions)]
    # An interval that holds 1 beside a small p (they rest on different approximations) settles nothing.
    holds_one = (tested["low"] <= 1) & (tested["high"] >= 1)
    clear = tested[(tested["p_corrected"] <= LEVEL) & ~holds_one]
    if clear.empty:
        beside = ", beside an interval that holds 1" if (tested["p_corrected"] <= LEVEL).any() else ""
        text = (
            f"{dataset}: undecided is whether some groups of questions are lost more often than the rest: of "
            f"{len(tested)} tests none holds after correction (smallest p {tested['p_corrected'].iloc[0]:.2g}{beside})."
        )
        return [Finding(text=text, decided=False, runs=runs, questions=questions)]
    found = []
    first = clear.iloc[np.argsort(-_clearness(clear), kind="stable")].drop_duplicates(["feature", "group"])
    topics = (first["feature"] == "topic").cumsum().where(first["feature"] == "topic", 0)
    for row in first[topics <= TOPICS].head(GROUPS).to_dict("records"):
        alike = (clear["group"] == row["group"]) & ((clear["odds_ratio"] > 1) == (row["odds_ratio"] > 1))
        times = int(alike.sum())
        among = groups["configuration"].nunique()
        interval = f" [{row['low']:.2f}, {row['high']:.2f}]" if pd.notna(row["low"]) else ""
        text = (
            f"{dataset}: the odds of being lost are {row['odds_ratio']:.2f} times{interval} as high in {row['group']} "
            f"as elsewhere ({share(row['share_inside'])} against {share(row['share_outside'])}; "
            f"{row['configuration']}, p {_p(row['p_corrected'])}, corrected"
            f"{f'; so in {times} of {among} configurations' if among > 1 else ''})."
        )
        found.append(
            Finding(
                text=text,
                decided=True,
                effect=row["odds_ratio"],
                low=None if pd.isna(row["low"]) else row["low"],
                high=None if pd.isna(row["high"]) else row["high"],
                p=row["p_corrected"],
                runs=lost[row["configuration"]].seeds,
                questions=int(row["questions"]),
            )
        )
    return found


def _clearness(groups: pd.DataFrame) -> NDArray[np.float64]:
    """How many widths of its interval each odds ratio is away from 1, on the log scale; 0 without an interval."""
    ratio, low, high = (groups[name].to_numpy(dtype=np.float64) for name in ("odds_ratio", "low", "high"))
    known = np.isfinite(low) & np.isfinite(high) & (high > low) & (low > 0)
    safe = [np.where(known, one, other) for one, other in ((ratio, 1.0), (low, 1.0), (high, np.e))]
    return np.asarray(np.abs(np.log(safe[0])) / np.log(safe[2] / safe[1]))


def transfer_sentence(
    dataset: str, moved: pd.DataFrame, shown: list[str], lost: Mapping[str, LostQuestions]
) -> Finding | None:
    """From the configuration that loses most to that which loses least; None where these lose nothing."""
    rows = moved[(moved["lost_by"] == shown[0]) & (moved["lost_too_by"] == shown[-1]) & moved["lift"].notna()]
    if rows.empty:
        return None
    row = rows.to_dict("records")[0]
    allowing = [
        words
        for words, allows in (("the interval", row["low"] <= 1 <= row["high"]), ("p", not row["p"] <= LEVEL))
        if allows
    ]
    decided = not allowing
    text = (
        f"{dataset}: of the questions that {shown[0]} loses, {shown[-1]} loses {share(row['share'])} too, "
        f"{row['lift']:.2f} times [{row['low']:.2f}, {row['high']:.2f}] what its own rate gives by chance "
        f"({share(row['chance'])}; p {_p(row['p'])})"
    )
    text += "." if decided else f": undecided, as {' and '.join(allowing)} allow{'s' * (len(allowing) == 1)} chance."
    return Finding(
        text=text,
        decided=decided,
        effect=row["lift"],
        low=row["low"],
        high=row["high"],
        p=row["p"],
        runs=lost[shown[0]].seeds + lost[shown[-1]].seeds,
        questions=len(lost[shown[0]].questions),
    )


def _p(value: float) -> str:
    return f"= {value:.2g}" if value >= 0.001 else "< .001"
