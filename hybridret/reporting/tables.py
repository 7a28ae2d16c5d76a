"""The tables of quality, each a pure function of the collected sweep: main, language pairs, languages, entropy."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import pandas as pd

from hybridret.analysis.spread import mean_and_spread
from hybridret.reporting.collect import Sweep
from hybridret.reporting.select import (
    MACRO,
    METRICS,
    SETTINGS,
    WHERE,
    configurations,
    cutoff_of,
    macro,
    map_cutoffs,
    select,
    title_of,
)
from hybridret.reporting.table import SHOW, Cell, Column, Table, rank, score
from hybridret.reporting.text_remarks import with_text_remarks


def main_table(sweep: Sweep, dataset: str, metrics: Sequence[str] = tuple(METRICS)) -> Table:
    """Configurations x (Mo., Cr., Mul. mAP, MRR, R, nDCG; rank distance): mean and spread over seeds.

    Columns that the data do not have are left out, such as the rank distance of pools that were not ranked in full.
    """
    names = configurations(sweep, dataset)
    here = select(sweep.metrics, dataset=dataset)
    seeds = here.groupby("configuration")["run"].nunique()
    columns: list[Column] = [Column("configuration"), Column("seeds", source="seeds")]
    values: list[list[Cell]] = [[Cell(name) for name in names], [Cell(int(seeds[name])) for name in names]]

    def add(column: Column, setting: str, metric: str, cutoff: int) -> None:
        found = macro(sweep, dataset, setting, metric, cutoff)
        if len(found):
            columns.append(column)
            values.append(cells_of(found, names))

    for setting, short in SETTINGS.items():
        for metric in metrics:
            for cutoff in map_cutoffs(sweep, dataset) if metric == "map" else [cutoff_of(here, metric)]:
                one = METRICS[metric]
                column = Column(title_of(metric, cutoff), SHOW[one.form], short, one.better, WHERE[setting])
                column = replace(column, source=macro_source(setting, metric, cutoff))
                add(column, setting, metric, cutoff)
    add(
        Column(
            "rank distance",
            rank,
            "Bias",
            -1,
            "worst minus best rank of the best answers in each language; lower is better",
            macro_source("multilingual", "rank_distance", 0),
        ),
        "multilingual",
        "rank_distance",
        0,
    )
    table = Table(
        f"main_{dataset}", f"{dataset}: mean over seeds, ± standard deviation", columns, turn(values), dataset=dataset
    )
    return with_text_remarks(table.with_positions(), sweep, names)


def pair_table(sweep: Sweep, dataset: str, configuration: str) -> Table | None:
    """mAP by query language (rows) and corpus language (columns), mean over seeds; the diagonal is monolingual."""
    cutoff = map_cutoffs(sweep, dataset)[0]
    rows = select(sweep.metrics, dataset=dataset, configuration=configuration, metric="map", cutoff=cutoff)
    rows = rows[rows["setting"].isin(["monolingual", "cross-lingual"]) & (rows["query_language"] != MACRO)]
    grid = rows.groupby(["query_language", "corpus_language"])["value"].mean().unstack()
    if grid.empty:
        return None
    cells = [
        [Cell(str(q)), *(Cell(float(v), heat=None if pd.isna(v) else float(v)) for v in grid.loc[q])]
        for q in grid.index
    ]
    columns = [
        Column("query"),
        *(Column(str(one), score, "corpus language", source=f"pairs/map/{cutoff}/{one}") for one in grid.columns),
    ]
    name = f"pairs_{dataset}_{configuration}"
    return Table(name, configuration, columns, cells, dataset=dataset, configuration=configuration)


def language_table(sweep: Sweep, dataset: str) -> Table | None:
    """mAP per query language for each setting; cross-lingual is the mean over the other corpus languages."""
    cutoff = map_cutoffs(sweep, dataset)[0]
    rows = select(sweep.metrics, dataset=dataset, metric="map", cutoff=cutoff)
    rows = rows[rows["query_language"] != MACRO]
    keys = ["configuration", "run", "setting", "query_language"]
    per_run = rows.groupby(keys, sort=False)["value"].mean().reset_index()
    caption = f"{dataset}: {title_of('map', cutoff)} by query language"
    return by_language(per_run, sweep, dataset, f"languages_{dataset}", caption, score, 0, f"map/{cutoff}")


def entropy_table(sweep: Sweep, dataset: str) -> Table | None:
    """Contrastive entropy per setting (nats, lower is better): the smooth quantity that scaling laws are fitted to."""
    names = configurations(sweep, dataset)
    columns, values = [Column("configuration")], [[Cell(name) for name in names]]
    for setting, short in SETTINGS.items():
        found = macro(sweep, dataset, setting, "contrastive_entropy", 0)
        if len(found):
            columns.append(
                Column(short, score, "", -1, WHERE[setting], macro_source(setting, "contrastive_entropy", 0))
            )
            values.append(cells_of(found, names))
    if len(columns) == 1:
        return None
    table = Table(
        f"entropy_{dataset}", f"{dataset}: contrastive entropy (nats)", columns, turn(values), dataset=dataset
    )
    return with_text_remarks(table.with_positions(), sweep, names)


def by_language(
    rows: pd.DataFrame,
    sweep: Sweep,
    dataset: str,
    name: str,
    caption: str,
    show: Callable[[Any], str],
    better: int,
    measured: str,
) -> Table | None:
    """Configurations (x settings) by query language, mean over seeds; `better` as in `Column`; `measured`:
    METRIC/CUTOFF of the values."""
    languages = sorted(language for language in rows["query_language"].unique() if language != MACRO)
    if not languages:
        return None
    if (rows["query_language"] == MACRO).any():
        languages.append(MACRO)
    found = mean_and_spread(rows, ["configuration", "setting", "query_language"])
    mean = {(r["configuration"], r["setting"], r["query_language"]): r["mean"] for r in found.to_dict("records")}
    settings = [setting for setting in (*SETTINGS, "") if setting in set(found["setting"])]
    keys = [(c, s) for s in settings for c in configurations(sweep, dataset)]
    start = "multilingual" if settings == [""] else "row"  # what the column `setting` of the row says
    sources = [f"{start}/{measured}/{lang}" for lang in languages]
    shown = [Column(lang, show, better=better, source=one) for lang, one in zip(languages, sources, strict=True)]
    columns = [Column("configuration"), *shown]
    if settings != [""]:
        columns.insert(1, Column("setting"))
    cells = [
        [Cell(c), *([Cell(SETTINGS[s])] if s else []), *(Cell(mean.get((c, s, lang))) for lang in languages)]
        for c, s in keys
    ]
    table = with_text_remarks(Table(name, caption, columns, cells, dataset=dataset), sweep, [c for c, _ in keys])
    return table.with_positions() if better else table


def macro_source(setting: str, metric: str, cutoff: int) -> str:
    """The `source` of a column of averages over languages."""
    return f"{setting}/{metric}/{cutoff}/{MACRO}"


def turn(columns: list[list[Cell]]) -> list[list[Cell]]:
    """Columns of cells as rows."""
    return [list(row) for row in zip(*columns, strict=True)]


def cells_of(found: pd.DataFrame, names: Sequence[str]) -> list[Cell]:
    """Cells of `macro`'s rows in the order of `names`; empty where a configuration was not evaluated."""
    of = found[["mean", "std"]].to_dict("index")
    return [Cell(float(of[name]["mean"]), float(of[name]["std"])) if name in of else Cell() for name in names]
