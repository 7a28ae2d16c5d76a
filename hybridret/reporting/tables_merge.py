"""The runs whose weights are those of two others, and what they cost: the trainings of both, and none of their own."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from hybridret.reporting.collect import Sweep
from hybridret.reporting.table import Cell, Column, Table

_ENDS = ("mono", "cross")


def merge_table(sweep: Sweep) -> Table | None:
    """The ratio, both parents, and steps and seconds of training: its own, and those of its parents together."""
    if not sweep.merges:
        return None
    columns = [
        Column("run"),
        Column("ratio", group="weights", help="share of the mono run; the rest is of the cross run"),
        *(Column(end, group="weights") for end in _ENDS),
        Column("start", group="weights", help="whether both trainings began with the same weights"),
        Column("own steps", group="training"),
        Column("steps of both", group="training"),
        Column("seconds of both", group="training"),
    ]
    cells = []
    for run in sweep.runs.loc[sweep.runs["run"].isin(list(sweep.merges)), "run"]:
        record = sweep.merges[run]
        ends: list[Mapping[str, Any]] = [record.get(end) or {} for end in _ENDS]
        start = "same" if ends[0].get("start") == ends[1].get("start") else "different"
        cost = [_both(ends, key) for key in ("steps", "seconds")]
        weights = [Cell(record.get("ratio")), *(Cell(end.get("run")) for end in ends), Cell(start)]
        cells.append([Cell(run), *weights, Cell(0), *(Cell(value) for value in cost)])
    return Table("merges", "Merged runs: no training of their own", columns, cells)


def _both(ends: list[Mapping[str, Any]], key: str) -> int | None:
    """The sum of a value of both parents, None where one has none."""
    values = [end.get(key) for end in ends]
    return None if None in values else round(sum(float(str(value)) for value in values))
