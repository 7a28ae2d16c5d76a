"""What searches found: the front of two objectives or the best trial of one, from the search.csv of a sweep."""

from __future__ import annotations

from functools import partial

import pandas as pd
from matplotlib.figure import Figure

from hybridret.base.errors import UserError
from hybridret.reporting.answers.answer import Answer, Finding, Findings
from hybridret.reporting.charts.plot import Plot, legend_below, new_axes
from hybridret.reporting.evidence import Evidence
from hybridret.reporting.table import Cell, Column, Table, plain
from hybridret.runs.search_table import COMPLETE, PARAMS, PER, STATES, VALUES, columns, read_search

_PANELS = 9  # figures; more searches are in the table alone


def find(evidence: Evidence) -> Findings | None:
    """None where no sweep has a search.csv with a complete trial."""
    found = Findings()
    for sweep in evidence.sweeps:
        try:
            trials = read_search(sweep.folder)
        except UserError as error:
            found.remarks.append(str(error))
            continue
        if trials is None:
            continue
        for key, own in trials.groupby("search", sort=False):
            if own["state"].eq(COMPLETE).any():
                _one_search(found, evidence.name(sweep, _title(own)), own, f"{len(found.frames)}_{key}")
        found.frames[f"search_{len(found.frames)}"] = trials
    return found if found.sentences or found.remarks else None


def _one_search(found: Findings, title: str, trials: pd.DataFrame, name: str) -> None:
    objectives = [one.removeprefix(VALUES) for one in columns(trials, VALUES)]
    keys = [one for one in columns(trials, PARAMS) if (trials[one] != "").any()]
    best = trials[trials["front"]]
    if len(objectives) > 1:
        best = best.sort_values(VALUES + objectives[0])
    counts = trials["state"].value_counts()
    states = ", ".join(f"{counts[state]} {state}" for state in STATES if state in counts)
    found.sentences.append(
        Finding(
            text=f"{title}: {_verdict(best, objectives, keys)} ({len(trials)} trials: {states}).",
            decided=False,
            runs=int(trials.loc[trials["state"] == COMPLETE, "run"].nunique()),
            effect=float(best[VALUES + objectives[0]].iloc[0]) if len(objectives) == 1 else None,
        )
    )
    heads = [*(Column(one.removeprefix(PARAMS)) for one in keys), *(Column(one, plain) for one in objectives)]
    cells = [
        [*(Cell(row[one]) for one in keys), *(Cell(row[VALUES + one]) for one in objectives), Cell(row["run"])]
        for row in best.to_dict("records")
    ]
    what = "Front" if len(objectives) > 1 else "Best trial"
    found.tables.append(Table(f"search_{name}", f"{what} of {title}", [*heads, Column("run")], cells))
    numeric = [one for one in keys if pd.to_numeric(trials[one], errors="coerce").notna().all()]
    if len(found.plots) < _PANELS and (len(objectives) > 1 or numeric):
        across = VALUES + objectives[0] if len(objectives) > 1 else numeric[0]
        upward = VALUES + objectives[-1]
        alt = f"{_axis(upward)} against {_axis(across)} of all complete trials of {title}; {what.lower()} marked."
        found.plots.append(Plot(f"search_{name}", alt, partial(_figure, trials, across, upward, title, what)))


def _title(trials: pd.DataFrame) -> str:
    combination = [f"{one.removeprefix(PER)}={trials[one].iloc[0]}" for one in columns(trials, PER)]
    return ", ".join(one for one in combination if not one.endswith("=")) or "search"


def _verdict(best: pd.DataFrame, objectives: list[str], keys: list[str]) -> str:
    if len(objectives) > 1:
        ends = [f"{one} {best[VALUES + one].min():.4g} to {best[VALUES + one].max():.4g}" for one in objectives]
        return f"the front has {len(best)} trials, {' and '.join(ends)}"
    row = best.iloc[0]
    chosen = ", ".join(f"{one.removeprefix(PARAMS)}={row[one]}" for one in keys)
    return f"the best {objectives[0]} is {row[VALUES + objectives[0]]:.4g}, with {chosen}"


def _axis(column: str) -> str:
    return column.removeprefix(VALUES).removeprefix(PARAMS)


def _figure(trials: pd.DataFrame, across: str, upward: str, title: str, what: str) -> Figure:
    figure, axes = new_axes(6.4, 4.4)
    complete = trials[trials["state"] == COMPLETE]
    x = pd.to_numeric(complete[across])
    axes.scatter(x, complete[upward], color="#8a929b", s=24, label="complete trial")
    front = complete["front"]
    ordered = complete[front].assign(x=x[front]).sort_values("x")
    axes.plot(ordered["x"], ordered[upward], color="#c0392b", marker="o", linewidth=1, label=what.lower())
    if across.startswith(PARAMS) and (x > 0).all() and x.max() > 20 * x.min():
        axes.set_xscale("log")
    axes.set(xlabel=_axis(across), ylabel=_axis(upward), title=title)
    legend_below(figure, axes)
    return figure


ANSWER = Answer(
    name="search",
    position=70,
    title="Searches",
    about="Trials of hydra/sweeper=optuna. A best trial was chosen for its value, so another seed or other questions "
    "will give less: compare what was found in a sweep of its own. Pruned trials have no value here.",
    needs="trials of a search (hydra/sweeper=optuna)",
    find=find,
)
