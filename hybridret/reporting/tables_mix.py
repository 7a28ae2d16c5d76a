"""What the drawn batches really held (`MixCounter.as_dict`), beside what was asked for."""

from __future__ import annotations

from hybridret.reporting.collect import Sweep
from hybridret.reporting.table import Cell, Column, Table, percent, score


def mix_table(sweep: Sweep) -> Table | None:
    """The realised alpha, the share of each kind, and the number of ordered language pairs drawn, per run."""
    mixes = {run: mix for run, mix in sweep.mixes.items() if mix.get("kinds")}
    kinds = list(dict.fromkeys(kind for mix in mixes.values() for kind in mix["kinds"]))
    if not kinds:
        return None
    columns = [Column("run"), Column("set", group="alpha"), Column("realised", score, "alpha")]
    columns += [Column(kind, percent, "share of batches") for kind in kinds]
    columns += [
        Column("drawn", group="ordered pairs", help="distinct (query language, passage language) of cross batches"),
        Column("fewest rows", group="ordered pairs", help="training rows of the pair that was drawn least"),
        Column("most rows", group="ordered pairs", help="training rows of the pair that was drawn most"),
    ]
    cells = []
    for row in sweep.runs[sweep.runs["run"].isin(list(mixes))].to_dict("records"):
        mix = mixes[row["run"]]
        total = sum(mix["kinds"].values()) or 1
        # mono and cross have one kind of batch, so their share is known. Others without an alpha have only this one.
        alpha = None if row["strategy"] in ("mono", "cross") else mix.get("alpha")
        shares = [Cell(mix["kinds"].get(kind, 0) / total) for kind in kinds]
        pairs = [count for drawn in (mix.get("language_pairs") or {}).values() for count in drawn.values()]
        spread = [Cell(len(pairs)), Cell(min(pairs)), Cell(max(pairs))] if pairs else [Cell(), Cell(), Cell()]
        cells.append([Cell(row["run"]), Cell(row["alpha"]), Cell(alpha), *shares, *spread])
    return Table("mix", "Realised mix of batches", columns, cells)


def mix_language_table(sweep: Sweep) -> Table | None:
    """The share of each language among the batches that are in one language throughout, per run that has some."""
    counts = {run: mix["languages"] for run, mix in sweep.mixes.items() if mix.get("languages")}
    languages = sorted({language for drawn in counts.values() for language in drawn})
    if not languages:
        return None
    columns = [Column("run"), Column("batches"), *(Column(one, percent, "share of batches") for one in languages)]
    cells = []
    for run in sweep.runs.loc[sweep.runs["run"].isin(list(counts)), "run"]:
        total = sum(counts[run].values())
        shares = [Cell(counts[run].get(language, 0) / total) for language in languages]
        cells.append([Cell(run), Cell(total), *shares])
    return Table("mix_languages", "Languages of the batches in one language", columns, cells)
