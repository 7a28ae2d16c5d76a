"""Tables and whole numbers of the trade-off."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from hybridret.analysis.trade_off.preference import Pick
from hybridret.base.files import file_name
from hybridret.reporting.answers.trade_off.alpha import BestAlphas
from hybridret.reporting.answers.trade_off.figure import front_bands
from hybridret.reporting.answers.trade_off.measure import GroupResult, Measure
from hybridret.reporting.answers.trade_off.sentences import interval, whole_percent
from hybridret.reporting.table import Cell, Column, Table, rank, score

Picks = Sequence[tuple[str, GroupResult, Pick]]  # the preference in words

_SAME = ("dataset", "metric", "cutoff", "group")


def front_table(measure: Measure, results: Sequence[GroupResult]) -> Table:
    """Shares of draws on the front and at the knee, and what each configuration adds."""
    quality, several = measure.quality, len(results) > 1
    biased = any(result.with_bias is not None for result in results)
    columns = [
        Column("configuration"),
        *([Column("among")] if several else []),
        Column("seeds"),
        Column("Mo.", score, quality),
        Column("Cr.", score, quality),
        *([Column("rank distance", rank)] if biased else []),
        Column("Mo., Cr.", whole_percent, "on the front of"),
        *([Column("Mo., Cr., bias", whole_percent, "on the front of")] if biased else []),
        Column("knee", whole_percent),
        Column("adds", score),
    ]
    rows = []
    for result in results:
        for i, name in enumerate(result.draws.configurations):
            values: list[object] = [name, *([result.group.title] if several else []), result.draws.seeds[i]]
            values += [float(one) for one in result.draws.observed[i]]
            values += [_at(result.distance, i)] if biased else []
            values += [float(result.on_front[i])] + ([_at(result.with_bias, i)] if biased else [])
            values += [float(result.knee[i]), float(result.volume.parts[i, 0])]
            rows.append([Cell(value) for value in values])
    caption = (
        f"Front of monolingual and cross-lingual {quality} on {measure.dataset}. A configuration is on the front when "
        "no other is better in one goal and at least as good in the rest; percentages are shares of resamples of seeds "
        "and questions. `knee`: share in which it lies farthest above the chord of the front. `adds`: what the "
        "hypervolume loses without it, as a share of the box from the reference to the best values."
    )
    return Table(f"trade_off_front_{file_name(measure.dataset)}", caption, columns, rows)


def preference_table(measure: Measure, picks: Picks) -> Table:
    """What each preference picks, and what that changes."""
    several = len({result.group.title for _, result, _ in picks}) > 1
    quality = measure.quality
    columns = [
        Column("preference"),
        *([Column("among")] if several else []),
        Column("pick"),
        Column("picked in", whole_percent),
        Column("best in Mo."),
        Column("Mo.", group=f"change of {quality}"),
        Column("Cr.", group=f"change of {quality}"),
    ]
    rows = [
        [
            Cell(value)
            for value in (
                words,
                *([result.group.title] if several else []),
                pick.picked,
                float(pick.probability[result.draws.configurations.index(pick.picked)]),
                pick.best_first,
                *(None if pick.picked == pick.best_first else interval(one) for one in pick.change),
            )
        ]
        for words, result, pick in picks
    ]
    caption = (
        f"What a stated preference picks by the means on {measure.dataset}, in which share of resamples it picks the "
        "same, and how the pick differs from the configuration that is best in Mo. (empty where it is that one), with "
        "95 % intervals."
    )
    return Table(f"trade_off_preference_{file_name(measure.dataset)}", caption, columns, rows)


def front_frame(found: Iterable[tuple[Measure, Sequence[GroupResult]]]) -> pd.DataFrame:
    """One row for each measure, group and configuration; `adds` is what the hypervolume loses without it."""
    rows = []
    for measure, results in found:
        for result in results:
            volumes = (result.volume, result.volume_with_bias)
            for i, name in enumerate(result.draws.configurations):
                row = [*_same(measure, result), name, result.draws.seeds[i], *result.draws.observed[i]]
                row += [_at(result.distance, i), result.on_front[i], _at(result.with_bias, i), result.knee[i]]
                rows.append(row + [one for v in volumes for one in (v.parts[i] if v else [np.nan] * 3)])
    ends = [f"{name}{end}" for name in ("adds", "adds_with_bias") for end in ("", "_low", "_high")]
    columns = ["configuration", "seeds", "mono", "cross", "rank_distance", "on_front", "on_front_with_bias", "knee"]
    return pd.DataFrame(rows, columns=[*_SAME, *columns, *ends])


def volume_frame(found: Iterable[tuple[Measure, Sequence[GroupResult]]]) -> pd.DataFrame:
    """One row for each measure, group and number of goals: the hypervolume and its reference, and how often a front of
    two goals has no knee."""
    rows = []
    for measure, results in found:
        for result in results:
            for goals, volume in ((2, result.volume), (3, result.volume_with_bias)):
                if volume:
                    no_knee = result.knee[-1] if goals == 2 else np.nan
                    reference = [*volume.reference, np.nan][:3]
                    rows.append([*_same(measure, result), goals, *volume.whole, *reference, no_knee])
    columns = ["goals", "hypervolume", "hypervolume_low", "hypervolume_high"]
    columns += ["reference_mono", "reference_cross", "reference_rank_distance", "no_knee"]
    return pd.DataFrame(rows, columns=[*_SAME, *columns])


def preference_frame(found: Iterable[tuple[Measure, Picks]]) -> pd.DataFrame:
    """One row for each measure, preference, group and configuration."""
    rows = []
    for measure, picks in found:
        for words, result, pick in picks:
            for i, name in enumerate(result.draws.configurations):
                changes = pick.change.ravel() if name == pick.picked else [np.nan] * 6
                kept = pick.kept if name == pick.picked else np.nan
                rows.append(
                    [
                        *_same(measure, result),
                        words,
                        name,
                        name == pick.picked,
                        pick.probability[i],
                        kept,
                        pick.best_first,
                        *changes,
                    ]
                )
    ends = [f"{goal}_change{end}" for goal in ("mono", "cross") for end in ("", "_low", "_high")]
    columns = [*_SAME, "preference", "configuration", "picked", "probability"]
    return pd.DataFrame(rows, columns=[*columns, "within_loss", "best_in_mono", *ends])


def alpha_frame(found: Iterable[tuple[Measure, Sequence[BestAlphas]]]) -> pd.DataFrame:
    """One row for each measure, line and size; the slope of the line stands in each."""
    rows = []
    for measure, lines in found:
        for one in lines:
            slope = [one.slope.per_tenfold, one.slope.low, one.slope.high, one.slope.decided, one.slope.reason]
            for line, best in zip(one.lines, one.best, strict=True):
                grid = " ".join(f"{alpha:g}" for alpha in line.alphas)
                same = [measure.dataset, measure.metric, measure.cutoff, one.title, line.size, line.parameters, grid]
                rows.append([*same, *best, *slope])
    columns = ["dataset", "metric", "cutoff", "line", "size", "parameters_body", "alphas", "best_alpha"]
    slope = ["per_tenfold", "per_tenfold_low", "per_tenfold_high", "decided", "undecided_because"]
    return pd.DataFrame(rows, columns=[*columns, "best_alpha_low", "best_alpha_high", *slope])


def bands_frame(found: Iterable[tuple[Measure, Sequence[GroupResult]]]) -> pd.DataFrame:
    """The bands of the figures: for levels of Mo. the best Cr.; one row for each measure, group and level."""
    parts = [
        front_bands(result).assign(**dict(zip(_SAME, _same(measure, result), strict=True)))
        for measure, results in found
        for result in results
    ]
    return pd.concat(parts, ignore_index=True)[[*_SAME, "mono", "low", "median", "high"]]


def _same(measure: Measure, result: GroupResult) -> list[Any]:
    return [measure.dataset, measure.metric, measure.cutoff, result.group.title or "all"]


def _at(values: NDArray[np.float64] | None, i: int) -> float:
    return float("nan") if values is None else float(values[i])
