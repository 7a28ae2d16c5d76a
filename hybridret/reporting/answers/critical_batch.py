"""The critical batch size of each strategy, and how it grows with parameters and training data (arXiv 2410.21676)."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from hybridret.analysis.critical_batch.study import STEPS, WITH_THE_BATCH, fits, growth, series
from hybridret.analysis.critical_batch.study import steps_to_target as steps_of
from hybridret.base.errors import UserError
from hybridret.reporting.answers.answer import Answer, Finding, Findings
from hybridret.reporting.charts.plot import Plot, legend_below, new_axes
from hybridret.reporting.collect import Sweep
from hybridret.reporting.evidence import Evidence
from hybridret.reporting.read import settings_of
from hybridret.reporting.table import Cell, Column, Table, plain

MEASURED = {"monolingual": "mono_entropy", "cross-lingual": "cross_entropy"}
RESAMPLES = 300  # refits of each group; more change no digit that is shown
MANY_CENSORED = 0.5  # share of a group's runs
_VARIED = ("training.batch_size", "training.accumulate", "training.steps", "training.validate_every",
           "training.checkpoint_every", "training.chunk_size", "data.training_share")  # fmt: skip
_OF = {"parameters": "the parameters of the body", "data": "the training data"}


def find(evidence: Evidence) -> Findings | None:
    """None where no runs with a constant rate have different batch sizes and a contrastive entropy during training."""
    if not set(MEASURED.values()) & set(evidence.history.columns):
        return None
    runs, remarks = _runs(evidence)
    varied = series(runs) if len(runs) else runs
    if varied.empty:
        return None
    found: list[pd.DataFrame] = []
    fitted: list[pd.DataFrame] = []
    grown: list[pd.DataFrame] = []
    for setting, column in MEASURED.items():
        if column not in evidence.history:
            continue
        steps = steps_of(varied, _curves(evidence.history, column), setting)
        if steps.empty:
            continue
        table, draws = fits(steps, min(RESAMPLES, evidence.resamples), evidence.seed)
        found.append(steps[STEPS])
        fitted.append(table)
        grown.append(growth(table, draws))
    if not found:
        return None
    steps, table, of = (pd.concat(parts, ignore_index=True) for parts in (found, fitted, grown))
    return Findings(
        sentences=[*_growth_sentences(of, table), *_sentences(table)],
        tables=[_table(table)],
        plots=[
            Plot(
                f"critical_batch_{str(setting).replace('-', '_')}",
                f"Steps to the target entropy by pairs of a step, {setting}, with the fitted laws.",
                partial(_figure, own, table[table["setting"] == setting], str(setting)),
            )
            for setting, own in steps.groupby("setting", sort=False)
        ],
        frames={"critical_batch_steps": steps, "critical_batch_fit": table, "critical_batch_growth": of},
        remarks=remarks,
    )


def _curves(history: pd.DataFrame, column: str) -> pd.DataFrame:
    """run, step and value of the validations; what is no number is no measurement."""
    rows = history[(history["split"] == "validation") & (history["step"] > 0)]
    value = pd.to_numeric(rows[column], errors="coerce").replace([np.inf, -np.inf], np.nan)
    return rows[["run", "step"]].assign(value=value)


def _runs(evidence: Evidence) -> tuple[pd.DataFrame, list[str]]:
    """The runs with a constant rate, in the columns of `series`, and what is to be said of them."""
    rows: list[dict[str, Any]] = []
    plainly = 0
    for sweep in evidence.sweeps:
        for row in sweep.runs.to_dict("records"):
            settings = _settings(sweep, row["run"]) if row["trained"] else {}
            batch, accumulate = settings.get("training.batch_size"), settings.get("training.accumulate", 1)
            share = settings.get("data.training_share", 1.0)
            numbers = isinstance(batch, int) and isinstance(accumulate, int) and isinstance(share, int | float)
            if settings.get("schedule.decay") != "constant" or not numbers or min(batch, accumulate, share) <= 0:
                continue
            plainly += not settings.get("training.ema")
            rows.append(
                {"run": evidence.name(sweep, row["run"]), "seed": str(row["seed"]), "size": str(row["size"]),
                 "strategy": evidence.name(sweep, _label(row, sweep)), "parameters": row["parameters_body"],
                 "data": float(share), "loss_batch": batch,
                 "accumulate": accumulate}
            )  # fmt: skip
    remarks = []
    if plainly:
        remarks.append(
            f"{plainly} of {len(rows)} runs kept no average of the weights (training.ema=0): at a constant rate their "
            "entropies hold the noise of single steps, and large batches look better than they are."
        )
    return pd.DataFrame(rows), remarks


def _settings(sweep: Sweep, run: str) -> dict[str, Any]:
    try:
        return settings_of(sweep.folder / run / "config.yaml")
    except UserError:
        return {}  # `collect` names damaged files


def _label(row: Mapping[Any, Any], sweep: Sweep) -> str:
    """The strategy with whatever else tells runs apart, beside what is studied here."""
    alpha = "" if pd.isna(row["alpha"]) else f" α={row['alpha']:g}"
    backbones = sweep.runs.loc[sweep.runs["trained"], "backbone"].nunique() > 1
    others = [f"{key.rsplit('.', 1)[-1]}={row[key]}" for key in sweep.extra if key not in _VARIED and row[key]]
    return ", ".join([f"{row['strategy']}{alpha}", *([str(row["backbone"])] if backbones else []), *others])


def _growth_sentences(grown: pd.DataFrame, table: pd.DataFrame) -> list[Finding]:
    sentences = []
    for row in grown.to_dict("records"):
        same = (table["setting"] == row["setting"]) & (table["strategy"] == row["strategy"])
        runs = int(table.loc[same & (table["negatives"] == row["negatives"]), "runs"].sum())
        subject = (
            f"{row['strategy']}, {row['setting']}, {_series(row['negatives'])}: the critical batch size against "
            f"{_OF[row['of']]}"
        )
        effect = f"exponent {row['exponent']:.2f}, 95% interval {row['low']:.2f} to {row['high']:.2f}"
        if row["levels"] < 3:
            decided, verdict = False, f"is undecided, because only {row['levels']} values of it were trained ({effect})"
        elif row["low"] <= 0 <= row["high"]:
            decided, verdict = False, f"is undecided, because the interval holds 0 ({effect})"
        else:
            decided, verdict = True, f"{'grows' if row['low'] > 0 else 'falls'} ({effect})"
        sentences.append(
            Finding(text=f"{subject} {verdict}.", decided=decided, importance=0.5 if decided else 0.2,
                    effect=row["exponent"], low=row["low"], high=row["high"], runs=runs)
        )  # fmt: skip
    return sentences


def _sentences(table: pd.DataFrame) -> list[Finding]:
    sentences = []
    for row in table.to_dict("records"):
        where = f"{row['strategy']}, {row['setting']}, size {row['size'] or 'unnamed'}, data {row['data']:g}"
        subject = f"{where}, {_series(row['negatives'])}: the critical batch size"
        interval = f"{_pairs(row['critical'])} pairs, 95% interval {_pairs(row['low'])} to {_pairs(row['high'])}"
        if pd.isna(row["low"]):
            decided, verdict = False, f"is undecided, because {row['reason']}"
        elif row["censored"] > MANY_CENSORED * row["runs"]:
            decided = False
            verdict = f"is undecided, because {row['censored']} of {row['runs']} runs did not reach the target"
        elif row["high"] > row["largest"] or row["low"] < row["smallest"]:
            decided = False
            verdict = (
                f"is undecided, because its interval reaches beyond the batches that were trained, "
                f"{row['smallest']:g} to {row['largest']:g} ({interval})"
            )
        else:
            decided, verdict = True, f"is {interval}"
        numbers = {name: None if pd.isna(row[name]) else float(row[name]) for name in ("critical", "low", "high")}
        sentences.append(
            Finding(text=f"{subject} {verdict}.", decided=decided, importance=0.3 if decided else 0.0,
                    effect=numbers["critical"], low=numbers["low"], high=numbers["high"], runs=int(row["runs"]))
        )  # fmt: skip
    return sentences


def _series(negatives: str) -> str:
    return "every pair brings a negative" if negatives == WITH_THE_BATCH else f"{negatives} negatives always"


def _pairs(value: float) -> str:
    return f"{value:,.0f}" if value >= 10 else f"{value:.2g}"


def _table(table: pd.DataFrame) -> Table:
    columns = {
        "strategy": "strategy", "setting": "setting", "negatives": "negatives", "size": "size", "data": "data",
        "target": "target", "critical": "critical batch", "low": "from", "high": "to", "least_steps": "least steps",
        "runs": "runs", "censored": "not reached", "left_out": "too early",
    }  # fmt: skip
    shown = {"critical": _pairs, "low": _pairs, "high": _pairs, "least_steps": _pairs}
    return Table(
        "critical_batch",
        "The critical batch size: pairs of a step at which 20% more pairs are needed than by small batches. Up to it, "
        "twice the batch takes nearly half the steps.",
        [Column(title, shown.get(name, plain)) for name, title in columns.items()],
        [[Cell(row[name]) for name in columns] for row in table.to_dict("records")],
        note="From and to: 95% interval. Target: contrastive entropy that nine of ten runs reach. Not reached: runs "
        "that count as slower than their length. Too early: runs that were below the target at their first validation, "
        "which are left out. Data: share of the training data.",
    )


def _figure(steps: pd.DataFrame, table: pd.DataFrame, setting: str) -> Figure:
    figure, axes = new_axes()
    keys = ["strategy", "negatives", "size", "data"]
    laws = {tuple(row[name] for name in keys): row for row in table.to_dict("records")}
    for number, (key, own) in enumerate(steps.groupby(keys, sort=False, dropna=False)):
        law, colour = laws[key], f"C{number % 10}"
        mean = own.groupby("batch")["steps"].agg(lambda one: float(np.exp(np.log(one).mean())))
        name = f"{key[0]}, {key[2]}, data {key[3]:g}" + ("" if key[1] == WITH_THE_BATCH else f", {key[1]} negatives")
        axes.plot(mean.index, mean.to_numpy(), "o", color=colour, markersize=4, label=name)
        if not np.isnan(law["critical"]):
            batch = np.geomspace(law["smallest"], law["largest"], 60)
            axes.plot(batch, law["least_steps"] * (1 + law["scale"] / batch), color=colour, linewidth=1)
    axes.set(xscale="log", yscale="log", xlabel="pairs of a step", ylabel="steps to the target", title=setting)
    legend_below(figure, axes, 2)
    return figure


ANSWER = Answer(
    name="critical_batch",
    position=35,
    title="Critical batch size",
    about="Steps to a contrastive entropy on fixed questions and candidates against the pairs of a step, at a constant "
    "learning rate; the batch at which 20% more pairs are needed than by small batches, and how it grows.",
    needs="runs with different batch sizes, a constant learning rate and a contrastive entropy during training",
    find=find,
)
