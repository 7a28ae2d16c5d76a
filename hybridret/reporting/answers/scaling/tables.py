"""The numbers of the laws of scale: whole as frames, and what a reader looks for as tables."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import pandas as pd

from hybridret.analysis.scaling.bands import Band
from hybridret.analysis.scaling.budget import Split
from hybridret.base.files import file_name
from hybridret.reporting.answers.scaling.budget import Fitted, count
from hybridret.reporting.answers.scaling.families import Measure
from hybridret.reporting.answers.scaling.results import Scaled
from hybridret.reporting.answers.scaling.words import number
from hybridret.reporting.table import Cell, Column, Table, percent

OF = ["dataset", "metric", "cutoff"]
LAWS = [*OF, "family", "setting", "variable", "law", "parameter", "value", "low", "high", "r2", "cells", "runs",
        "noise", "misfit_p", "resamples", "failed", "at_bound"]  # fmt: skip
EXPONENTS = [*OF, "kind", "family", "setting", "than_family", "than_setting", "law", "value", "low", "high", "decided",
             "reason", "sizes", "resamples", "failed"]  # fmt: skip
GAPS = [*OF, "family", "setting", "parameters", "gap", "low", "high", "slope", "slope_low", "slope_high", "decided",
        "reason"]  # fmt: skip
PREDICTIONS = [*OF, "family", "setting", "law", "parameters", "fitted_sizes", "predicted", "low", "high", "observed",
               "error", "covered", "failed", "chosen"]  # fmt: skip
SPLITS = [*OF, "family", "setting", "budget_flops", "parameters", "parameters_low", "parameters_high", "pairs",
          "pairs_low", "pairs_high", "predicted", "beyond"]  # fmt: skip


def laws_frame(found: Sequence[Scaled], further: Iterable[tuple[Measure, Fitted]]) -> pd.DataFrame:
    """A row for each parameter of each law that could be fitted; `low` and `high` are empty where no noise is known."""
    rows: list[list[Any]] = []
    for one in found:
        for family in one.families:
            for setting in family.losses:
                head = [*_of(one.measure), family.label, setting, "body parameters"]
                cells = [len(family.sizes), len(family.runs)]
                for fitted in one.bands[family.label, setting].values():
                    rows += [[*head, *row] for row in _parameters(fitted, cells)]
    for measure, more in further:
        head = [*_of(measure), more.family.label, more.setting, more.variable]
        cells = [len(more.family.losses[more.setting].variables), len(more.family.runs)]
        rows += [[*head, *row] for row in _parameters(more.band, cells)]
    return pd.DataFrame(rows, columns=LAWS)


def exponents_frame(found: Sequence[Scaled]) -> pd.DataFrame:
    """Exponents against body parameters, and their differences between settings and between families."""
    rows = []
    for one in found:
        sizes = {family.label: len(family.sizes) for family in one.families}
        for (family, setting), own in one.exponents.items():
            judged, fitted = own.judged, own.band
            rows.append([*_of(one.measure), "exponent", family, setting, "", "", fitted.fit.law.name, judged.value,
                         judged.low, judged.high, judged.decided, judged.reason, sizes[family], len(fitted.inner),
                         fitted.failures])  # fmt: skip
        for compared in one.compared:
            (family, setting), (than, other), judged = compared.first, compared.second, compared.judged
            kind = "difference of settings" if family == than else "difference of families"
            fitted, second = one.exponents[compared.first].band, one.exponents[compared.second].band
            rows.append([*_of(one.measure), kind, family, setting, than, other, fitted.fit.law.name, judged.value,
                         judged.low, judged.high, judged.decided, judged.reason, min(sizes[family], sizes[than]),
                         len(fitted.inner), max(fitted.failures, second.failures)])  # fmt: skip
    return pd.DataFrame(rows, columns=EXPONENTS)


def gap_frame(found: Sequence[Scaled]) -> pd.DataFrame:
    """The gap hybrid - max(mono, cross) at each size, and its slope for each factor of ten."""
    rows = [
        [*_of(one.measure), family, setting, size, value, *ends, own.slope.value, own.slope.low, own.slope.high,
         own.slope.decided, own.slope.reason]
        for one in found
        for (family, setting), own in one.gaps.items()
        for size, value, ends in zip(own.sizes, own.values, own.intervals, strict=True)
    ]  # fmt: skip
    return pd.DataFrame(rows, columns=GAPS)


def prediction_frame(found: Sequence[Scaled]) -> pd.DataFrame:
    """The largest size predicted from the smaller ones. Losses L as they are; `error` is predicted / observed - 1."""
    rows = [
        [*_of(one.measure), family, setting, own.law, own.variable, own.fitted_sizes, *np.exp(
            [own.predicted, own.low, own.high, own.observed]), np.expm1(own.error), own.covered, own.failures,
         one.chosen is not None and own.law == one.chosen.name]
        for one in found
        for (family, setting), every in one.predictions.items()
        for own in every
    ]  # fmt: skip
    return pd.DataFrame(rows, columns=PREDICTIONS)


def split_frame(splits: Iterable[tuple[Measure, Fitted, Split]]) -> pd.DataFrame:
    """Best splits of budgets between body parameters and trained pairs."""
    rows = [
        [*_of(measure), one.family.label, one.setting, split.budget, split.parameters, *split.parameters_interval,
         split.pairs, *split.pairs_interval, np.exp(split.log_loss), split.beyond]
        for measure, one, split in splits
    ]  # fmt: skip
    return pd.DataFrame(rows, columns=SPLITS)


def exponent_table(found: Scaled) -> Table:
    """Exponents of one measure, a row for each family and setting."""
    columns = [Column("family and setting"), Column("exponent", number), Column("low", number, group="95 %"),
               Column("high", number, group="95 %"), Column("sizes"), Column("reading")]  # fmt: skip
    sizes = {one.label: len(one.sizes) for one in found.families}
    rows = [
        [Cell(f"{family}, {setting}"), Cell(one.judged.value), Cell(one.judged.low), Cell(one.judged.high),
         Cell(sizes[family]), Cell(one.judged.reason or "decided")]
        for (family, setting), one in found.exponents.items()
    ]  # fmt: skip
    title, dataset = found.measure.title, found.measure.dataset
    return Table(
        f"scaling_exponents_{_file(found.measure)}",
        f"{dataset}, {title}: exponent of body parameters (law: {found.law.formula.format(x='N')}). Larger: the loss "
        f"falls faster with size; eight times the size divides what falls by 8 to the power of it.",
        columns, rows,
    )  # fmt: skip


def gap_table(found: Scaled) -> Table | None:
    """The gap at each size, a row for each family, setting and size."""
    if not found.gaps:
        return None
    columns = [Column("family and setting"), Column("body parameters", count), Column("lead", _three),
               Column("low", _three, group="95 %"), Column("high", _three, group="95 %")]  # fmt: skip
    rows = [
        [Cell(f"{family}, {setting}"), Cell(float(size)), Cell(float(value)), Cell(float(low)), Cell(float(high))]
        for (family, setting), one in found.gaps.items()
        for size, value, (low, high) in zip(one.sizes, one.values, one.intervals, strict=True)
    ]
    return Table(
        f"scaling_gap_{_file(found.measure)}",
        f"{found.measure.dataset}, {found.measure.title}: lead over the better of mono and cross. Above 0: better than "
        f"both of them at this size.",
        columns, rows,
    )  # fmt: skip


def prediction_table(found: Scaled) -> Table | None:
    """The largest size as the smaller ones predict it, a row for each family, setting and law."""
    columns = [Column("family, setting and law"), Column("predicted", _three), Column("low", _three, group="95 %"),
               Column("high", _three, group="95 %"), Column("observed", _three), Column("error", percent)]  # fmt: skip
    rows = [
        [Cell(f"{family}, {setting}, {one.law}"), *(Cell(float(np.exp(value))) for value in (
            one.predicted, one.low, one.high, one.observed)), Cell(float(np.expm1(one.error)))]
        for (family, setting), every in found.predictions.items()
        for one in every
    ]  # fmt: skip
    errors = ", ".join(f"{name} {100 * value:.1f} %" for name, value in found.errors.items())
    table = Table(
        f"scaling_prediction_{_file(found.measure)}",
        f"{found.measure.dataset}, {found.measure.title}: the loss of the largest size, predicted from the smaller "
        f"ones. An error above 0: predicted too high. Held-out errors of the laws over all series: {errors}.",
        columns, rows,
    )  # fmt: skip
    return table if rows else None


def _parameters(fitted: Band, cells: list[int]) -> list[list[Any]]:
    ends = fitted.intervals()
    rest = [fitted.fit.r2, *cells, fitted.noise.source, fitted.noise.misfit, len(fitted.inner), fitted.failures,
            int(fitted.at_bound.sum())]  # fmt: skip
    return [[fitted.fit.law.name, name, value, *ends[name], *rest] for name, value in fitted.fit.parameters.items()]


def _of(measure: Measure) -> list[Any]:
    return [measure.dataset, measure.metric, measure.cutoff]


def _file(measure: Measure) -> str:
    return f"{file_name(measure.dataset)}_{measure.metric}" + (f"_{measure.cutoff}" if measure.cutoff else "")


def _three(value: float) -> str:
    return number(value, 3)
