"""Which groups are lost more often than the rest: shares, odds ratio with interval, p corrected over the family.

Only what was found in the question's own language can be lost, so these cells are the trials. Groups of questions are
compared inside each language pair (strata), and a question with all its pairs is the unit; groups of languages are
compared inside each question, and a language is the unit.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from hybridret.analysis.pitfalls.exchange import exchange_test, row_classes
from hybridret.analysis.pitfalls.groups import Group
from hybridret.analysis.pitfalls.language_labels import language_odds_ratio, language_test
from hybridret.analysis.pitfalls.lost import LostQuestions
from hybridret.analysis.pitfalls.mantel_haenszel import odds_ratio

LEAST = 10  # questions with a trial inside and outside of a group that is tested
LEAST_LANGUAGES = 5  # fewer have fewer than 120 orders

COLUMNS = [
    "configuration", "feature", "group", "questions", "found_inside", "lost_inside", "share_inside", "found_outside",
    "lost_outside", "share_outside", "odds_ratio", "low", "high", "p", "p_corrected", "reason",
]  # fmt: skip


def over_representation(
    lost: Mapping[str, LostQuestions], groups: Sequence[Group], permutations: int, seed: int
) -> pd.DataFrame:
    """One row for each configuration and group, `COLUMNS`: numbers of cells and shares inside and outside, odds ratio
    with 95% interval, p by `permutations` exchanges and corrected for all rows by Benjamini and Hochberg.

    `questions`: those of the group with a trial. `reason` says why a group was not tested (p and interval NaN).
    Raises ValueError where the groups are of another number of questions or pairs.
    """
    rows: list[dict[str, object]] = []
    for name, one in lost.items():
        if wrong := [group.title for group in groups if group.member.shape != one.own.shape]:
            raise ValueError(f"the group {wrong[0]!r} is not of the {one.own.shape} questions and pairs of {name}")
        tested = _question_tests(one, [group for group in groups if group.unit == "question"], permutations, seed)
        for group in groups:
            row, reason = _counted(one, group)
            if group.unit == "language" and not reason:
                row |= _language_row(one, group, permutations, seed)
            elif not reason:
                row |= tested[id(group)]
            rows.append({"configuration": name, **row, "reason": reason})
    frame = pd.DataFrame(rows).reindex(columns=COLUMNS)
    frame["p_corrected"] = corrected(frame["p"].to_numpy(dtype=np.float64))
    return frame


def over_representation_by_pair(lost: Mapping[str, LostQuestions], groups: Sequence[Group]) -> pd.DataFrame:
    """One row for each configuration, group of questions and language pair with members and others: configuration,
    feature, group, query_language, corpus_language, the counts, the two shares, p and p_corrected.

    In one pair every question stands once, so Fisher's exact test (twice the smaller tail) holds; corrected for all
    rows by Benjamini and Hochberg.
    """
    asked = [group for group in groups if group.unit == "question"]
    if not asked:
        return pd.DataFrame()
    from scipy.stats import hypergeom

    parts = []
    for name, one in lost.items():
        for group in asked:
            trial = one.found & group.defined
            inside, events = (trial & group.member).sum(axis=0), (trial & one.is_lost).sum(axis=0)
            both, total = (trial & group.member & one.is_lost).sum(axis=0), trial.sum(axis=0)
            part = pd.DataFrame(
                {
                    "configuration": name,
                    "feature": group.feature,
                    "group": group.title,
                    "query_language": [query for query, _ in one.pairs],
                    "corpus_language": [passage for _, passage in one.pairs],
                    "found_inside": inside,
                    "lost_inside": both,
                    "found_outside": total - inside,
                    "lost_outside": events - both,
                }
            )
            lower, upper = hypergeom.cdf(both, total, events, inside), hypergeom.sf(both - 1, total, events, inside)
            part["p"] = np.minimum(1.0, 2 * np.minimum(lower, upper))
            parts.append(part[(inside >= LEAST) & (total - inside >= LEAST)])
    frame: pd.DataFrame = pd.concat(parts, ignore_index=True)
    for side in ("inside", "outside"):
        frame[f"share_{side}"] = frame[f"lost_{side}"] / frame[f"found_{side}"]
    frame["p_corrected"] = corrected(frame["p"].to_numpy(dtype=np.float64))
    return frame


def corrected(p: NDArray[np.float64]) -> NDArray[np.float64]:
    """Benjamini and Hochberg over the values that are not NaN, which stay NaN."""
    found = np.full(len(p), np.nan)
    known = ~np.isnan(p)
    if known.any():
        from scipy.stats import false_discovery_control  # half a second, for reports that test nothing

        found[known] = false_discovery_control(p[known], method="bh")
    return found


def _counted(lost: LostQuestions, group: Group) -> tuple[dict[str, object], str]:
    trial = lost.found & group.defined
    inside, outside = trial & group.member, trial & ~group.member
    row: dict[str, object] = {"feature": group.feature, "group": group.title}
    row["questions"] = int(inside.any(axis=1).sum())
    for side, cells in (("inside", inside), ("outside", outside)):
        found, gone = int(cells.sum()), int((cells & lost.is_lost).sum())
        row |= {f"found_{side}": found, f"lost_{side}": gone, f"share_{side}": gone / found if found else np.nan}
    reason = ""
    if min(int(cells.any(axis=1).sum()) for cells in (inside, outside)) < LEAST:
        reason = f"fewer than {LEAST} found questions inside or outside"
    elif group.unit == "language":
        languages = {language for pair in lost.pairs for language in pair}
        if len(languages) < LEAST_LANGUAGES:
            reason = f"{len(languages)} languages are too few to exchange their labels"
    return row, reason


def _language_row(lost: LostQuestions, group: Group, permutations: int, seed: int) -> dict[str, float]:
    trial = lost.found & group.defined
    ratio = language_odds_ratio(lost.is_lost, trial, group.member, lost.pairs)
    residual = _residuals(lost.is_lost.T, trial.T).T.sum(axis=0)
    p = language_test(residual, np.asarray(group.member.any(axis=0)), lost.pairs, permutations, seed)
    return {"odds_ratio": ratio.ratio, "low": ratio.low, "high": ratio.high, "p": p}


def _question_tests(
    lost: LostQuestions, groups: Sequence[Group], permutations: int, seed: int
) -> dict[int, dict[str, float]]:
    """By id of the group. Groups that are known of the same cells are tested with the same exchanges, at once."""
    found: dict[int, dict[str, float]] = {}
    alike: dict[bytes, list[Group]] = {}
    for group in groups:
        alike.setdefault(np.packbits(group.defined).tobytes(), []).append(group)
    for members in alike.values():
        trial = lost.found & members[0].defined
        classes = row_classes(lost.asked & members[0].defined)
        stacked = np.stack([group.member for group in members])
        p = exchange_test(_residuals(lost.is_lost, trial), stacked, classes, permutations, seed)
        for group, value in zip(members, p.tolist(), strict=True):
            ratio = odds_ratio(lost.is_lost, trial, group.member)
            found[id(group)] = {"odds_ratio": ratio.ratio, "low": ratio.low, "high": ratio.high, "p": value}
    return found


def _residuals(event: NDArray[np.bool_], trial: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Event minus the share of events in its column, where there is a trial, else 0."""
    share = (event & trial).sum(axis=0) / np.maximum(trial.sum(axis=0), 1)
    return np.where(trial, event - share, 0.0)
