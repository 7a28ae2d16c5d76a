"""The tables of a report, each a pure function of the collected sweep.

Settings (method.md of LAReQA and the paper): Mo. macro over languages, Cr. macro over ordered language pairs, Mul.
macro over query languages against the pooled corpus.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pandas as pd

from hybridret.analysis.spread import mean_and_spread
from hybridret.reporting.collect import TOKEN_SHARES, Sweep
from hybridret.reporting.table import Cell, Column, Table, percent, rank, score

SETTINGS = {"monolingual": "Mo.", "cross-lingual": "Cr.", "multilingual": "Mul."}
METRICS = {"map": "mAP", "mrr": "MRR", "recall": "R", "ndcg": "nDCG"}
MACRO = "macro"
_WHERE = {
    "monolingual": "queries and passages in one language; mean over languages",
    "cross-lingual": "queries of one language, passages of another; mean over ordered pairs",
    "multilingual": "queries of one language, passages of all languages pooled; mean over query languages",
}


def cutoff_of(metrics: pd.DataFrame, metric: str, wanted: int = 10) -> int:
    """The cutoff to show of `metric`: the wanted one if it was computed, else the first; 0 where it has none."""
    known = sorted(int(k) for k in metrics.loc[metrics["metric"] == metric, "cutoff"].unique())
    return wanted if wanted in known or not known else known[0]


def select(metrics: pd.DataFrame, **conditions: Any) -> pd.DataFrame:
    """The rows of `metrics` where every named column has the given value."""
    keep = pd.Series(True, index=metrics.index)
    for column, value in conditions.items():
        keep &= metrics[column] == value
    return metrics[keep]


def macro(sweep: Sweep, dataset: str, setting: str, metric: str, cutoff: int) -> pd.DataFrame:
    """Mean, std and n over seeds of one macro value per configuration, indexed by configuration."""
    rows = select(sweep.metrics, dataset=dataset, setting=setting, metric=metric, cutoff=cutoff, query_language=MACRO)
    return mean_and_spread(rows, ["configuration"]).set_index("configuration")


def configurations(sweep: Sweep, dataset: str) -> list[str]:
    """The configurations that were evaluated on `dataset`, in the order of the report."""
    evaluated = set(sweep.metrics.loc[sweep.metrics["dataset"] == dataset, "configuration"])
    return [name for name in sweep.runs["configuration"].unique() if name in evaluated]


def main_table(sweep: Sweep, dataset: str, metrics: Sequence[str] = tuple(METRICS)) -> Table:
    """Configurations x (Mo., Cr., Mul. mAP, MRR, R, nDCG; rank distance): mean and spread over seeds."""
    names = configurations(sweep, dataset)
    here = select(sweep.metrics, dataset=dataset)
    seeds = here.groupby("configuration")["run"].nunique()
    columns: list[Column] = [Column("configuration"), Column("seeds")]
    values: list[list[Cell]] = [[Cell(name) for name in names], [Cell(int(seeds[name])) for name in names]]

    def add(column: Column, setting: str, metric: str, cutoff: int) -> None:
        found = macro(sweep, dataset, setting, metric, cutoff)
        if len(found):
            columns.append(column)
            values.append(_cells(found, names))

    for setting, short in SETTINGS.items():
        for metric in metrics:
            cutoff = cutoff_of(here, metric)
            title = METRICS[metric] + (f"@{cutoff}" if cutoff and metric != "map" else "")
            add(Column(title, score, short, +1, _WHERE[setting]), setting, metric, 0 if metric == "map" else cutoff)
    add(
        Column("rank distance", rank, "Bias", -1, "worst minus best rank of the parallel answers; lower is better"),
        "multilingual",
        "rank_distance",
        0,
    )
    return Table(
        f"main_{dataset}", f"{dataset}: mean over seeds, ± standard deviation", columns, _turn(values)
    ).with_places()


def pair_table(sweep: Sweep, dataset: str, configuration: str) -> Table | None:
    """mAP by query language (rows) and corpus language (columns), mean over seeds; the diagonal is monolingual."""
    rows = select(sweep.metrics, dataset=dataset, configuration=configuration, metric="map")
    rows = rows[rows["setting"].isin(["monolingual", "cross-lingual"]) & (rows["query_language"] != MACRO)]
    grid = rows.groupby(["query_language", "corpus_language"])["value"].mean().unstack()
    if grid.empty:
        return None
    cells = [
        [Cell(str(q)), *(Cell(float(v), heat=None if pd.isna(v) else float(v)) for v in grid.loc[q])]
        for q in grid.index
    ]
    columns = [Column("query"), *(Column(str(language), score, "corpus language") for language in grid.columns)]
    return Table(f"pairs_{dataset}_{configuration}", configuration, columns, cells)


def language_table(sweep: Sweep, dataset: str) -> Table | None:
    """mAP per query language for each setting; cross-lingual is the mean over the other corpus languages."""
    rows = select(sweep.metrics, dataset=dataset, metric="map")
    rows = rows[rows["query_language"] != MACRO]
    keys = ["configuration", "run", "setting", "query_language"]
    per_run = rows.groupby(keys, sort=False)["value"].mean().reset_index()
    return _by_language(per_run, sweep, dataset, f"languages_{dataset}", f"{dataset}: mAP by query language", score, 0)


def bias_table(sweep: Sweep, dataset: str) -> Table | None:
    """Rank distance by query language (mean over queries, then seeds)."""
    rows = select(sweep.metrics, dataset=dataset, metric="rank_distance", setting="multilingual").copy()
    rows["setting"] = ""
    return _by_language(
        rows, sweep, dataset, f"bias_{dataset}", f"{dataset}: rank distance by query language", rank, -1
    )


def bias_summary(sweep: Sweep, dataset: str) -> Table | None:
    """Macro values of all bias metrics: rank distance (mean, median, share), PEER and AWRF where defined."""
    shown = [
        ("rank_distance", Column("rank distance", rank, better=-1, help="mean over queries, then over languages")),
        ("rank_distance_median", Column("median", rank, better=-1)),
        ("rank_distance_share", Column("share of pool", percent, better=-1)),
        ("peer", Column("PEER", score, better=+1, help="1 = ranks do not depend on the language")),
        ("awrf", Column("AWRF", score, better=+1, help="1 = exposure in proportion to relevance")),
    ]
    names = configurations(sweep, dataset)
    columns, values = [Column("configuration")], [[Cell(name) for name in names]]
    for metric, column in shown:
        found = macro(sweep, dataset, "multilingual", metric, 0)
        if len(found):
            columns.append(column)
            values.append(_cells(found, names))
    if len(columns) == 1:
        return None
    return Table(
        f"bias_summary_{dataset}", f"{dataset}: language bias in the pooled corpus", columns, _turn(values)
    ).with_places()


def entropy_table(sweep: Sweep, dataset: str) -> Table | None:
    """Contrastive entropy per setting (nats, lower is better): the smooth quantity that scaling laws are fitted to."""
    names = configurations(sweep, dataset)
    columns, values = [Column("configuration")], [[Cell(name) for name in names]]
    for setting, short in SETTINGS.items():
        found = macro(sweep, dataset, setting, "contrastive_entropy", 0)
        if len(found):
            columns.append(Column(short, score, better=-1, help=_WHERE[setting]))
            values.append(_cells(found, names))
    if len(columns) == 1:
        return None
    return Table(f"entropy_{dataset}", f"{dataset}: contrastive entropy (nats)", columns, _turn(values)).with_places()


def token_tables(sweep: Sweep) -> list[Table]:
    """Truncated and unknown-token shares per language, one table for each distinct tokenization."""
    grouped: dict[str, tuple[pd.DataFrame, list[str]]] = {}
    for run, rows in sweep.tokens.groupby("run", sort=False):
        rows = rows.drop(columns="run").sort_values("language")
        grouped.setdefault(rows.to_csv(index=False), (rows, []))[1].append(str(run))
    tables = []
    for i, (rows, runs) in enumerate(grouped.values(), 1):
        backbones = sorted(sweep.runs.loc[sweep.runs["run"].isin(runs), "backbone"].unique())
        caption = f"Backbone {', '.join(backbones)} ({len(runs)} run{'s' if len(runs) > 1 else ''})"
        columns = [Column("language")]
        columns += [Column(key.split("_")[1], percent, key.split("_")[0]) for key in sorted(TOKEN_SHARES, reverse=True)]
        keys = sorted(TOKEN_SHARES, reverse=True)
        cells = [[Cell(row["language"]), *(Cell(row[key]) for key in keys)] for row in rows.to_dict("records")]
        tables.append(Table("tokens" if len(grouped) == 1 else f"tokens_{i}", caption, columns, cells))
    return tables


def run_table(sweep: Sweep) -> Table:
    """Every finished run: what it is, how long it trained, how fast."""
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
        ("stopped", Column("stopped by", group="training")),
        ("pairs_per_second", Column("pairs/s", group="speed")),
        ("padding_share", Column("padding", percent, "speed")),
        ("seconds", Column("seconds", group="speed")),
    ]
    rows = sweep.runs.astype(object).where(sweep.runs.notna(), None).to_dict("records")
    for row in rows:
        for key in ("pairs_per_second", "seconds"):
            row[key] = None if row[key] is None else round(float(row[key]))
    return Table(
        "runs", "All finished runs", [c for _, c in shown], [[Cell(row[key]) for key, _ in shown] for row in rows]
    )


def failure_table(sweep: Sweep) -> Table | None:
    """The points without a result, with their state, how far they came and the reason."""
    if sweep.failures.empty:
        return None
    columns = [Column("run"), Column("state"), Column("came to"), Column("reason")]
    cells = []
    for row in sweep.failures.to_dict("records"):
        known = row["done"] is not None and not pd.isna(row["done"]) and row["total"]
        came = (
            f"{row['phase'] or ''} {int(row['done'])} of {int(row['total'])}".strip() if known else row["phase"] or ""
        )
        cells.append([Cell(row["run"]), Cell(row["state"]), Cell(came), Cell(row["reason"])])
    return Table("failures", "Points without a result", columns, cells)


def mix_table(sweep: Sweep) -> Table | None:
    """What the drawn batches really held: the realised alpha and the share of each kind, per run."""
    mixes = {run: mix for run, mix in sweep.mixes.items() if mix.get("kinds")}
    kinds = list(dict.fromkeys(kind for mix in mixes.values() for kind in mix["kinds"]))
    if not kinds:
        return None
    columns = [Column("run"), Column("set", group="alpha"), Column("realised", score, "alpha")]
    columns += [Column(kind, percent, "share of batches") for kind in kinds]
    cells = []
    for row in sweep.runs[sweep.runs["run"].isin(list(mixes))].to_dict("records"):
        mix = mixes[row["run"]]
        total = sum(mix["kinds"].values()) or 1
        alpha = mix.get("alpha") if not pd.isna(row["alpha"]) else None
        cells.append(
            [
                Cell(row["run"]),
                Cell(row["alpha"]),
                Cell(alpha),
                *(Cell(mix["kinds"].get(kind, 0) / total) for kind in kinds),
            ]
        )
    return Table("mix", "Realised mix of batches", columns, cells)


def _by_language(
    rows: pd.DataFrame, sweep: Sweep, dataset: str, name: str, caption: str, show: Any, better: int
) -> Table | None:
    languages = sorted(language for language in rows["query_language"].unique() if language != MACRO)
    if not languages:
        return None
    if (rows["query_language"] == MACRO).any():
        languages.append(MACRO)
    found = mean_and_spread(rows, ["configuration", "setting", "query_language"])
    mean = {(r["configuration"], r["setting"], r["query_language"]): r["mean"] for r in found.to_dict("records")}
    settings = [setting for setting in (*SETTINGS, "") if setting in set(found["setting"])]
    keys = [(c, s) for s in settings for c in configurations(sweep, dataset)]
    columns = [Column("configuration"), *(Column(lang, show, better=better) for lang in languages)]
    if settings != [""]:
        columns.insert(1, Column("setting"))
    cells = [
        [Cell(c), *([Cell(SETTINGS[s])] if s else []), *(Cell(mean.get((c, s, lang))) for lang in languages)]
        for c, s in keys
    ]
    table = Table(name, caption, columns, cells)
    return table.with_places() if better else table


def _turn(columns: list[list[Cell]]) -> list[list[Cell]]:
    return [list(row) for row in zip(*columns, strict=True)]


def _cells(found: pd.DataFrame, names: Sequence[str]) -> list[Cell]:
    """Cells of `macro`'s rows in the order of `names`; empty where a configuration was not evaluated."""
    of = found[["mean", "std"]].to_dict("index")
    return [Cell(float(of[name]["mean"]), float(of[name]["std"])) if name in of else Cell() for name in names]
