"""The tables of the runs themselves: what was trained, on what, and what did not finish."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from typing import Any

import pandas as pd

from hybridret.reporting.collect import Sweep
from hybridret.reporting.read import TOKEN_SHARES
from hybridret.reporting.select import select
from hybridret.reporting.table import Cell, Column, Table, percent, score
from hybridret.reporting.text_remarks import with_text_remarks


def run_table(sweep: Sweep) -> Table:
    """Every finished run: what it is, how long it trained, how fast."""
    rows = sweep.runs.astype(object).where(sweep.runs.notna(), None).to_dict("records")
    others = any(row["monitor"] not in (None, "loss") for row in rows)
    watched = [("watched", Column("watched", group="training", help="what chose the encoder, and its best"))]
    shown = [
        ("run", Column("run")),
        ("configuration", Column("configuration")),
        ("seed", Column("seed", str)),
        ("parameters_total", Column("total", group="parameters")),
        ("parameters_body", Column("body", group="parameters", help="without embeddings")),
        ("parameters_trainable", Column("trainable", group="parameters")),
        ("steps", Column("steps", group="training")),
        ("best_step", Column("best step", group="training")),
        (
            "best_validation_loss",
            Column("best val. loss", score, "training", help="mean of mono and cross InfoNCE (nats)"),
        ),
        *(watched if others else []),
        ("stopped", Column("stopped by", group="training")),
        ("pairs_per_second", Column("pairs/s", group="speed")),
        ("padding_share", Column("padding", percent, "speed")),
        ("seconds", Column("seconds", group="speed")),
    ]
    for row in rows:
        row["watched"] = f"{row['monitor']} {row['best_value']:.3f}" if row["best_value"] is not None else None
        for key in ("pairs_per_second", "seconds"):
            row[key] = None if row[key] is None else round(float(row[key]))
    table = Table(
        "runs", "All finished runs", [c for _, c in shown], [[Cell(row[key]) for key, _ in shown] for row in rows]
    )
    return with_text_remarks(table, sweep, [str(row["run"]) for row in rows], "run")


def failure_table(sweep: Sweep) -> Table | None:
    """The points without a result, with their state, how far they came and the reason."""
    if sweep.failures.empty:
        return None
    columns = [Column("run"), Column("state"), Column("came to"), Column("reason")]
    cells = []
    for row in sweep.failures.to_dict("records"):
        cells.append([Cell(row["run"]), Cell(row["state"]), Cell(_came_to(row)), Cell(row["reason"])])
    return Table("failures", "Points without a result", columns, cells)


def token_tables(sweep: Sweep) -> list[Table]:
    """Truncated and unknown-token shares per language, one table for each distinct tokenization of the runs' own texts,
    then for those of each evaluation that was added to runs."""
    return [
        table
        for evaluation in sorted(sweep.tokens["evaluation"].unique())  # "", the runs themselves, is the first
        for table in _token_tables(sweep, str(evaluation))
    ]


def _token_tables(sweep: Sweep, evaluation: str) -> list[Table]:
    grouped: dict[str, tuple[pd.DataFrame, list[str]]] = {}
    for run, rows in select(sweep.tokens, evaluation=evaluation).groupby("run", sort=False):
        rows = rows.drop(columns=["run", "evaluation"]).sort_values("language")
        grouped.setdefault(rows.to_csv(index=False), (rows, []))[1].append(str(run))
    name = f"tokens_evaluation_{evaluation}" if evaluation else "tokens"
    keys = sorted(TOKEN_SHARES, reverse=True)
    columns = [Column("language"), *(Column(key.split("_")[1], percent, key.split("_")[0]) for key in keys)]
    tables = []
    for i, (rows, runs) in enumerate(grouped.values(), 1):
        backbones = ", ".join(sorted(sweep.runs.loc[sweep.runs["run"].isin(runs), "backbone"].unique()))
        start = f"Evaluation {evaluation}, backbone" if evaluation else "Backbone"
        caption = f"{start} {backbones} ({len(runs)} run{'s' if len(runs) > 1 else ''})"
        cells = [[Cell(row["language"]), *(Cell(row[key]) for key in keys)] for row in rows.to_dict("records")]
        tables.append(Table(name if len(grouped) == 1 else f"{name}_{i}", caption, columns, cells))
    return tables


def _came_to(row: Mapping[Hashable, Any]) -> str:
    """`train 300 of 1200`; without the total where it is not known, as in a queue."""
    done, total = (None if pd.isna(row[key]) else int(row[key]) for key in ("done", "total"))
    phase = "" if pd.isna(row["phase"]) else str(row["phase"])
    count = "" if done is None else f"{done} of {total}" if total else f"{done}" if done else ""
    return f"{phase} {count}".strip()
