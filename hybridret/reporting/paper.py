"""The paper's printed numbers (arXiv 2408.10536, `paper_results.csv`) beside ours where the benchmark is the same.

Only the macro values over the paper's languages are set side by side, and a text states what differs: the backbone and
the training data always do unless a run repeats the recipe, and with fewer languages the pool is another one.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path

import pandas as pd

from hybridret.analysis.spread import mean_and_spread
from hybridret.reporting.collect import Sweep
from hybridret.reporting.select import MACRO, SETTINGS, configurations, select
from hybridret.reporting.table import Cell, Column, Table, rank, score
from hybridret.reporting.text_remarks import with_text_remarks

SOURCE = "arXiv 2408.10536"
_BENCHMARKS = {"xquad-r": "xquad_r", "mlqa-r": "mlqa_r", "miracl-dev": "miracl"}
_BACKBONES = {"xlmr": "XLM-R", "labse": "LaBSE"}
_SHOWN = (
    ("monolingual", "map", 0), ("cross-lingual", "map", 0), ("multilingual", "map", 0),
    ("multilingual", "rank_distance", 0),
    ("monolingual", "ndcg", 10), ("monolingual", "recall", 100),
)  # fmt: skip
_TITLES = {"map": "mAP", "rank_distance": "rank distance", "ndcg": "nDCG@10", "recall": "R@100"}


@cache
def paper_results() -> pd.DataFrame:
    """Columns table, dataset (our names), backbone, batching, setting, metric, cutoff, query_language, value."""
    rows = pd.read_csv(Path(__file__).with_name("paper_results.csv"))
    parts = rows["metric"].str.split("@", expand=True)
    cutoff = pd.to_numeric(parts[1]).fillna(0).astype(int)
    return rows.assign(dataset=rows["dataset"].map(_BENCHMARKS), metric=parts[0], cutoff=cutoff)


def paper_languages(dataset: str) -> set[str]:
    """The languages that the paper evaluated on `dataset`; empty where it did not."""
    rows = select(paper_results(), dataset=dataset)
    return {str(one) for one in rows["query_language"].unique() if one != MACRO}


def paper_table(sweep: Sweep, dataset: str) -> Table | None:
    """Paper's rows, then ours; None where the paper has no such benchmark. Values that the paper prints only per
    language (MIRACL) are averaged here."""
    paper = select(paper_results(), dataset=dataset)
    if paper.empty:
        return None
    is_macro = paper["query_language"] == MACRO
    keys = ["backbone", "batching", "setting", "metric", "cutoff"]
    printed = mean_and_spread(paper[is_macro], keys)
    averaged = mean_and_spread(paper[~is_macro], keys)
    # Printed macro values win over averages of the per-language tables.
    theirs = pd.concat([printed, averaged]).drop_duplicates(keys).set_index(keys)["mean"]
    ours = (
        mean_and_spread(
            select(sweep.metrics, dataset=dataset, query_language=MACRO),
            ["configuration", "setting", "metric", "cutoff"],
        )
        .set_index(["configuration", "setting", "metric", "cutoff"])[["mean", "std"]]
        .to_dict("index")
    )
    shown = [key for key in _SHOWN if key in {tuple(k[2:]) for k in theirs.index}]
    columns = [Column("source"), Column("backbone"), Column("batches")]
    columns += [
        Column(_TITLES[m], rank, "Bias", help="lower is better")
        if m == "rank_distance"
        else Column(_TITLES[m], score, SETTINGS[s])
        for s, m, _ in shown
    ]
    rows = []
    for backbone, batching in dict.fromkeys(zip(paper["backbone"], paper["batching"], strict=True)):
        values = [Cell(theirs.get((backbone, batching, *key))) for key in shown]
        rows.append([Cell("paper"), Cell(_BACKBONES.get(backbone, backbone)), Cell(batching), *values])
    for name in configurations(sweep, dataset):
        backbones = ", ".join(sweep.runs.loc[sweep.runs["configuration"] == name, "backbone"].unique())
        found = [ours.get((name, *key)) for key in shown]
        values = [Cell() if one is None else Cell(float(one["mean"]), float(one["std"])) for one in found]
        rows.append([Cell("this sweep"), Cell(backbones), Cell(name), *values])
    table = Table(f"paper_{dataset}", f"{dataset}: the paper's numbers ({SOURCE}) beside this sweep's", columns, rows)
    theirs_first = len(rows) - len(configurations(sweep, dataset))
    return with_text_remarks(table, sweep, [*[None] * theirs_first, *configurations(sweep, dataset)])


def differences(sweep: Sweep, dataset: str) -> list[str]:
    """Sentences on what is not the same as in the paper."""
    here = sweep.runs[sweep.runs["configuration"].isin(configurations(sweep, dataset))]
    trained = here[here["trained"]]
    ours = {str(one) for one in select(sweep.metrics, dataset=dataset)["query_language"].unique() if one != MACRO}
    theirs = paper_languages(dataset)
    data = ", ".join(sorted({str(one) for one in trained["data"].dropna()})) or "nothing"
    texts = [
        "The paper fine-tuned XLM-R base and LaBSE (about 280 and 470 million parameters) on mMARCO and "
        "machine-translated question "
        f"answering sets; the runs here are {', '.join(sorted(here['backbone'].unique()))} trained on {data}. "
        f"Compare directions, "
        "not heights."
    ]
    if ours != theirs:
        missing, added = sorted(theirs - ours), sorted(ours - theirs)
        parts = ([f"without {', '.join(missing)}"] if missing else []) + (
            [f"with {', '.join(added)} besides"] if added else []
        )
        texts.append(
            f"The languages differ: {len(ours)} here ({' and '.join(parts)}), {len(theirs)} in the paper. All macro "
            f"values are over "
            "other languages, and the pool of the multilingual values and of the rank distance is another one."
        )
    if dataset == "miracl":
        texts.append("The paper prints MIRACL by language; its values here are means over its languages.")
    return texts
