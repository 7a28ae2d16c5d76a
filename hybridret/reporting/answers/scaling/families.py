"""Families of runs that differ in size (or in trained pairs) and seed alone, as series for the laws of scale."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from hybridret.analysis.question_values import QuestionValues
from hybridret.analysis.scaling.noise import Draws, draws
from hybridret.analysis.scaling.questions import question_counts, resampled_macro
from hybridret.analysis.scaling.scales import log_odds_against
from hybridret.analysis.scaling.series import Series, series
from hybridret.reporting.answers.alike import varied
from hybridret.reporting.evidence import Evidence
from hybridret.reporting.select import MACRO, SETTINGS, title_of

FloatArray = NDArray[np.float64]

ENTROPY = "contrastive_entropy"
SMALLEST = 1e-9  # nats: an entropy of 0 has no logarithm
MOST = 1000  # resamples that are refitted
STEPS = ("steps", "training.steps")  # how a label calls the number of steps


@dataclass(frozen=True)
class Measure:
    """A metric at a cutoff on a dataset; title: as readers know it."""

    dataset: str
    metric: str
    cutoff: int

    @property
    def title(self) -> str:
        return "contrastive entropy" if self.metric == ENTROPY else title_of(self.metric, self.cutoff)

    @property
    def better(self) -> int:
        return -1 if self.metric == ENTROPY else 1

    def log_loss(self, values: FloatArray, counts: FloatArray | float) -> FloatArray:
        """log L of macro averages over so many queries."""
        if self.metric == ENTROPY:
            logs: FloatArray = np.log(np.maximum(values, SMALLEST))
            return logs
        return log_odds_against(np.clip(values, 0.0, 1.0), counts)


@dataclass(frozen=True)
class Family:
    """Runs of one label with what they reached.

    keys: what runs of all families that may be compared share (sweep, backbone, further keys of the config).
    losses, scores: by setting, log L and the metric itself; of the same runs in the same order. draws are shared by
    all settings. loss_shifts, score_shifts: by setting, what other questions add to them [B, cells], None where the
    values of questions are not there.
    """

    label: str
    strategy: str
    keys: tuple[str, ...]
    runs: tuple[str, ...]
    draws: Draws
    losses: Mapping[str, Series]
    scores: Mapping[str, Series]
    loss_shifts: Mapping[str, FloatArray | None]
    score_shifts: Mapping[str, FloatArray | None]

    @property
    def sizes(self) -> FloatArray:
        """The first variable of each cell [k]."""
        return next(iter(self.losses.values())).variables[:, 0]


def trained_runs(evidence: Evidence) -> pd.DataFrame:
    """Trained runs with a counted body. `pairs` and `flops` are geometric means over the seeds of a configuration, as
    early stopping gives each seed its own; `keys` is what runs must share to be compared, and `label` the family
    without the number of steps."""
    runs = evidence.runs
    body = runs["parameters_body"].astype(float)
    runs = runs[runs["trained"].astype(bool) & body.gt(0) & np.isfinite(body)].copy()
    for name in ("pairs", "flops"):
        known = runs[name].where((runs[name] > 0) & np.isfinite(runs[name])).astype(float)
        logs = pd.Series(np.log(known.to_numpy()), index=runs.index)
        runs[name] = np.exp(logs.groupby([runs["sweep"], runs["configuration"]]).transform("mean"))
    extra = sorted(key for key in varied(evidence) if key != "training.steps")
    shared = ["sweep", "backbone", *(key for key in extra if key in runs)]
    runs["keys"] = [tuple(map(str, row)) for row in runs[shared].itertuples(index=False)]
    runs["label"] = [
        ", ".join(part for part in str(label).split(", ") if part.split("=")[0] not in STEPS)
        for label in runs["family"]
    ]
    return runs


def families(
    evidence: Evidence, runs: pd.DataFrame, measure: Measure, by: Sequence[str], variables: Sequence[str]
) -> list[Family]:
    """The families of `runs` that were evaluated by `measure`, grouped by the columns `by`; `variables` are columns.

    Runs that lack a variable, or a setting that others of their family have, are left out. Values of questions are read
    only where some family has three cells or more, because fewer decide nothing.
    """
    rows = evidence.metrics
    rows = rows[
        (rows["dataset"] == measure.dataset)
        & (rows["metric"] == measure.metric)
        & (rows["cutoff"] == measure.cutoff)
        & (rows["query_language"] == MACRO)
        & np.isfinite(rows["value"])
    ]
    value = rows.pivot_table(index="run", columns="setting", values="value", sort=False)
    count = rows.pivot_table(index="run", columns="setting", values="num_queries", sort=False)
    here = runs[runs["run"].isin(value.index)].dropna(subset=list(variables))
    groups = [own for _, own in here.groupby([*by, "keys"], sort=False, dropna=False)]
    several = any(len(own[list(variables)].drop_duplicates()) >= 3 for own in groups)
    every = evidence.values(measure.dataset) if several else {}
    wanted = (measure.metric, measure.cutoff)
    found = {setting: one for (setting, *which), one in every.items() if tuple(which) == wanted}
    resamples = min(MOST, evidence.resamples)
    names = sorted({name for one in found.values() for name in one.questions})
    random = np.random.default_rng([evidence.seed, zlib.crc32(measure.dataset.encode())])
    counts = question_counts(len(names), resamples, random) if names else np.zeros((resamples, 0))
    macro = {
        setting: (one, resampled_macro(one, counts[:, np.searchsorted(np.array(names), np.array(one.questions))]))
        for setting, one in found.items()
    }
    made = []
    for own in groups:
        whole = value.loc[own["run"]].dropna(axis=1, how="all").dropna()
        own = own[own["run"].isin(whole.index)]
        own = own.sort_values([*variables, "seed", "run"], key=_sortable, kind="stable")
        if own.empty:
            continue
        label = str(own["label" if "label" in by else "family"].iloc[0])
        seed = zlib.crc32("\0".join(own["run"]).encode())
        shared = draws(len(own), resamples, np.random.default_rng([evidence.seed, seed]))
        order = list(own["run"])
        axes = own[list(variables)].to_numpy(dtype=float)
        losses, scores, loss_shifts, score_shifts = {}, {}, {}, {}
        for setting in (name for name in SETTINGS if name in whole):
            values = whole.loc[order, setting].to_numpy(dtype=float)
            sized = count.loc[order, setting].to_numpy(dtype=float)
            losses[setting] = series(axes, measure.log_loss(values, np.maximum(sized, 1.0)))
            scores[setting] = series(axes, values)
            drawn = macro.get(setting)
            loss_shifts[setting] = _shift(losses[setting], order, drawn, lambda one: measure.log_loss(one, len(names)))
            score_shifts[setting] = _shift(scores[setting], order, drawn, lambda one: one)
        strategy, keys = str(own["strategy"].iloc[0]), own["keys"].iloc[0]
        made.append(Family(label, strategy, keys, tuple(order), shared, losses, scores, loss_shifts, score_shifts))
    return made


def _shift(
    own: Series,
    runs: Sequence[str],
    drawn: tuple[QuestionValues, FloatArray] | None,
    scale: Callable[[FloatArray], FloatArray],
) -> FloatArray | None:
    """What other questions add to the mean of each cell: [B, cells]."""
    if drawn is None or not set(runs) <= set(drawn[0].runs):
        return None
    values, macro = drawn
    rows = [values.runs.index(run) for run in runs]
    added = scale(macro[:, rows]) - scale(values.macro[rows])
    cells = np.eye(len(own.variables))[own.cell] / own.counts[own.cell][:, None]
    shift: FloatArray = added @ cells
    return shift


def _sortable(column: pd.Series[Any]) -> pd.Series[Any]:
    return column.astype(str) if column.dtype == object else column
